import { type Command, classNames, Dialog } from '@holdfast/ui'
import { Search } from 'lucide-react'
import { type KeyboardEvent, useId, useState } from 'react'

interface CommandPaletteProps {
  open: boolean
  onOpenChange(open: boolean): void
  commands: Command[]
}

/** Every place and action by name. */
export function CommandPalette({ open, onOpenChange, commands }: CommandPaletteProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Go to or do" wide>
      <CommandList commands={commands} onDone={() => onOpenChange(false)} />
    </Dialog>
  )
}

function CommandList({ commands, onDone }: { commands: Command[]; onDone(): void }) {
  const [text, setText] = useState('')
  const [index, setIndex] = useState(0)
  const listId = useId()
  const found = commands.filter((command) => matches(command, text)).slice(0, 12)
  const chosen = Math.min(index, found.length - 1)
  const run = (command: Command | undefined) => {
    if (!command) return
    onDone()
    command.run()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (event.key === 'Enter') run(found[chosen])
    else if (step !== 0 && found.length > 0) setIndex((chosen + step + found.length) % found.length)
    else return
    event.preventDefault()
  }
  return (
    <>
      <div className="relative">
        <Search size={15} aria-hidden="true" className="absolute top-1/2 left-2.5 -translate-y-1/2 text-ink-3" />
        <input
          // biome-ignore lint/a11y/noAutofocus: the palette is opened to type into it
          autoFocus
          role="combobox"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={found[chosen] && `${listId}-${found[chosen].id}`}
          aria-label="Search places and actions"
          placeholder="Projects, actions …"
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setIndex(0)
          }}
          onKeyDown={onKeyDown}
          className="h-9 w-full pointer-coarse:h-10 rounded-md border border-line-strong bg-raised pr-2 pl-8 -outline-offset-1 pointer-coarse:text-[16px]"
        />
      </div>
      <div id={listId} role="listbox" aria-label="Places and actions" className="mt-2 flex flex-col">
        {found.map((command, at) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are handled by the text field
          <div
            key={command.id}
            id={`${listId}-${command.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={at === chosen}
            onClick={() => run(command)}
            onPointerMove={() => setIndex(at)}
            className={classNames(
              'flex cursor-pointer items-center gap-3 rounded-sm px-2 py-1.5 pointer-coarse:py-3',
              at === chosen && 'bg-sunken',
            )}
          >
            <span className="min-w-0 flex-1 truncate">{command.label}</span>
            <span className="text-dense text-ink-3">{command.group}</span>
          </div>
        ))}
        {found.length === 0 && <p className="px-2 py-3 text-ink-2">Nothing is called that.</p>}
      </div>
    </>
  )
}

function matches(command: Command, text: string): boolean {
  const label = `${command.label} ${command.group}`.toLowerCase()
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => label.includes(word))
}
