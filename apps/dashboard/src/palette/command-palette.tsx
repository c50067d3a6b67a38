import { type Command, classNames, KeyHint } from '@holdfast/ui'
import { CornerDownLeft, Search } from 'lucide-react'
import { type KeyboardEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from 'react'
import { type FoundCommand, type FoundGroup, rankCommands } from './rank-commands.ts'
import { recentCommands, rememberCommand } from './recent-commands.ts'

interface CommandPaletteProps {
  open: boolean
  onOpenChange(open: boolean): void
  commands: Command[]
}

/**
 * Every place and action by name. On a phone it stands at the top, clear of the keyboard. Part of the first screen's
 * script, and the browser's own dialog to keep that small: what is typed right after the key that opens it is not lost.
 */
export function CommandPalette({ open, ...rest }: CommandPaletteProps) {
  return open ? <OpenPalette {...rest} /> : null
}

function OpenPalette({ onOpenChange, commands }: Omit<CommandPaletteProps, 'open'>) {
  const ref = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
    return () => dialog?.close()
  }, [])
  const run = (command: Command) => {
    // First, so that the focus is back where it was: a command that leads elsewhere then takes it along.
    ref.current?.close()
    onOpenChange(false)
    rememberCommand(command.id)
    command.run()
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape is the dialog's own key for it
    <dialog
      ref={ref}
      aria-label="Go to or do"
      onClose={() => onOpenChange(false)}
      onClick={(event) => event.target === ref.current && onOpenChange(false)}
      className="appear fixed inset-x-2 top-2 bottom-auto m-0 max-h-[min(80dvh,32rem)] w-auto max-w-none flex-col overflow-hidden rounded-md border border-line bg-raised p-0 text-ink shadow-float backdrop:bg-veil open:flex sm:inset-x-auto sm:top-[12dvh] sm:left-1/2 sm:w-160 sm:-translate-x-1/2"
    >
      <CommandList commands={commands} onRun={run} />
    </dialog>
  )
}

function CommandList({ commands, onRun }: { commands: Command[]; onRun(command: Command): void }) {
  const [text, setText] = useState('')
  const [recent] = useState(recentCommands)
  const [index, setIndex] = useState(0)
  const id = useId()
  const groups = rankCommands(commands, text, recent)
  const all = groups.flatMap(({ found }) => found.map(({ command }) => command))
  const chosen = Math.min(index, all.length - 1)
  const optionId = (command: Command | undefined) => (command ? `${id}-${command.id}` : undefined)
  useKeepInView(optionId(all[chosen]))
  const onKeyDown = (event: KeyboardEvent) => {
    const command = all[chosen]
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter' && command) onRun(command)
    else {
      const next = moved(event, chosen, all.length)
      if (next === null) return
      setIndex(next)
    }
    event.preventDefault()
  }
  return (
    <>
      <div className="relative border-b border-line">
        <Search size={16} aria-hidden="true" className="absolute top-1/2 left-3.5 -translate-y-1/2 text-ink-3" />
        <input
          // biome-ignore lint/a11y/noAutofocus: the palette is opened to type into it
          autoFocus
          role="combobox"
          aria-expanded={all.length > 0}
          aria-controls={id}
          aria-autocomplete="list"
          aria-activedescendant={optionId(all[chosen])}
          aria-label="Search places and actions"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          placeholder="Go to a place or do something"
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setIndex(0)
          }}
          onKeyDown={onKeyDown}
          className="h-11 w-full bg-transparent pr-3 pl-10 outline-none! pointer-coarse:h-12 pointer-coarse:text-[16px]"
        />
      </div>
      <div id={id} role="listbox" aria-label="Places and actions" className="overflow-y-auto overscroll-contain p-1">
        {groups.map((group) => (
          <CommandGroup key={group.title} group={group} chosen={all[chosen]} optionId={optionId} onRun={onRun} />
        ))}
      </div>
      <output className="sr-only">{all.length === 0 ? 'Nothing is called that' : `${all.length} found`}</output>
      {all.length === 0 && (
        <p aria-hidden="true" className="px-4 pt-1 pb-4 text-ink-2">
          Nothing is called “{text.trim()}”. Initials and parts of a name are enough.
        </p>
      )}
    </>
  )
}

/** Where the arrows and the keys of the ends lead; `null` for every other key. */
function moved(event: KeyboardEvent, from: number, count: number): number | null {
  if (count === 0) return null
  switch (event.key) {
    case 'ArrowDown':
      return (from + 1) % count
    case 'ArrowUp':
      return (from - 1 + count) % count
    case 'PageDown':
      return Math.min(count - 1, from + 8)
    case 'PageUp':
      return Math.max(0, from - 8)
    default:
      return null
  }
}

function useKeepInView(id: string | undefined): void {
  useEffect(() => {
    if (id) document.getElementById(id)?.scrollIntoView({ block: 'nearest' })
  }, [id])
}

interface CommandGroupProps {
  group: FoundGroup
  chosen: Command | undefined
  optionId(command: Command): string | undefined
  onRun(command: Command): void
}

function CommandGroup({ group, chosen, optionId, onRun }: CommandGroupProps) {
  const id = useId()
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of a listbox, which a fieldset is not
    <div role="group" aria-labelledby={id} className="pb-1 last:pb-0">
      <div id={id} className="px-2 pt-2 pb-1 text-small font-medium text-ink-3">
        {group.title}
      </div>
      {group.found.map((found) => (
        <Option
          key={found.command.id}
          id={optionId(found.command)}
          found={found}
          isChosen={found.command === chosen}
          showsGroup={group.title !== found.command.group}
          onRun={() => onRun(found.command)}
        />
      ))}
    </div>
  )
}

interface OptionProps {
  id: string | undefined
  found: FoundCommand
  isChosen: boolean
  showsGroup: boolean
  onRun(): void
}

function Option({ id, found: { command, marks }, isChosen, showsGroup, onRun }: OptionProps) {
  const Icon = command.icon
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are handled by the text field
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={isChosen}
      onClick={onRun}
      className={classNames(
        'group flex h-9 cursor-pointer items-center gap-2.5 rounded-sm px-2 pointer-coarse:h-11',
        isChosen ? 'bg-accent-soft' : 'hover:bg-sunken',
      )}
    >
      {Icon ? (
        <Icon size={16} aria-hidden="true" className="shrink-0 text-ink-3" />
      ) : (
        <span className="size-4 shrink-0" />
      )}
      <span className="min-w-0 flex-1 truncate">{marked(command.label, marks)}</span>
      {showsGroup && <span className="shrink-0 text-dense text-ink-2">{command.group}</span>}
      {command.keys && <KeyHint keys={command.keys} />}
      {isChosen && !command.keys && (
        <CornerDownLeft size={14} aria-hidden="true" className="shrink-0 text-ink-3 pointer-coarse:hidden" />
      )}
    </div>
  )
}

/** The label with the letters that were meant made heavier. */
function marked(label: string, marks: FoundCommand['marks']): ReactNode {
  const parts: ReactNode[] = []
  let at = 0
  for (const [from, to] of marks) {
    if (from < at) continue
    parts.push(
      label.slice(at, from),
      <b key={from} className="font-bold text-accent">
        {label.slice(from, to)}
      </b>,
    )
    at = to
  }
  return [...parts, label.slice(at)]
}
