import { Dialog } from '@holdfast/ui'
import { Fragment } from 'react'

const KEYS: [keys: string[], what: string][] = [
  [['/'], 'Search'],
  [['j', 'k'], 'Next and previous row'],
  [['Enter'], 'Open'],
  [['r'], 'Retry: the row in focus, or the ingestion'],
  [['g', 'p'], 'Go to projects'],
  [['⌘/Ctrl', 'K'], 'Go to or do anything by name'],
  [['?'], 'This list'],
  [['Esc'], 'Close'],
]

/** All keys of the page. */
export function KeyboardHelp({ open, onOpenChange }: { open: boolean; onOpenChange(open: boolean): void }) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Keyboard">
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-6 gap-y-2">
        {KEYS.map(([keys, what]) => (
          <Fragment key={what}>
            <dt className="flex gap-1">
              {keys.map((key) => (
                <Key key={key}>{key}</Key>
              ))}
            </dt>
            <dd className="text-ink-2">{what}</dd>
          </Fragment>
        ))}
      </dl>
    </Dialog>
  )
}

export function Key({ children }: { children: string }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded-sm border border-line-strong bg-sunken px-1 font-mono text-small text-ink-2">
      {children}
    </kbd>
  )
}
