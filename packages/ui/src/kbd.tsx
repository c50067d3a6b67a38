import { Fragment } from 'react'

const NAMES: Record<string, string> = { Escape: 'Esc', ArrowUp: '↑', ArrowDown: '↓', ' ': 'Space' }

function isApple(): boolean {
  return typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent)
}

/** The keys of a hotkey as they stand on a keyboard: `mod+k` is `⌘ K` on a Mac and `Ctrl K` elsewhere. */
export function keyNames(keys: string): string[] {
  return keys.split(/[ +](?=.)/).map((key) => {
    if (key === 'mod') return isApple() ? '⌘' : 'Ctrl'
    return NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key)
  })
}

/** One key. */
export function Key({ children }: { children: string }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded-sm border border-line-strong bg-sunken px-1 font-mono text-small text-ink-2">
      {children}
    </kbd>
  )
}

/** A hotkey beside what it does: `g p`, `mod+k`. Decoration: screen readers have `?`. */
export function KeyHint({ keys }: { keys: string }) {
  return (
    <span aria-hidden="true" className="inline-flex shrink-0 items-center gap-0.5 pointer-coarse:hidden">
      {keyNames(keys).map((name, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the keys of one hotkey never move
        <Fragment key={index}>
          <Key>{name}</Key>
        </Fragment>
      ))}
    </span>
  )
}
