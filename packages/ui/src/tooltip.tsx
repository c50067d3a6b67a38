import { Tooltip as Radix } from 'radix-ui'
import type { ReactElement, ReactNode } from 'react'
import { KeyHint } from './kbd.tsx'

interface TooltipProps {
  /** A few words; what is needed to use the thing stands on the page, not here. */
  text: ReactNode
  /** The hotkey that does the same. */
  keys?: string
  side?: 'top' | 'bottom' | 'right'
  /** One element that can have the focus. */
  children: ReactElement
}

/** A few more words on hover and on focus. */
export function Tooltip({ text, keys, side = 'bottom', children }: TooltipProps) {
  return (
    <Radix.Provider delayDuration={400} skipDelayDuration={200}>
      <Radix.Root>
        <Radix.Trigger asChild>{children}</Radix.Trigger>
        <Radix.Portal>
          <Radix.Content
            side={side}
            sideOffset={6}
            collisionPadding={8}
            className="appear z-60 flex max-w-72 items-center gap-2 rounded-sm border border-line bg-raised px-2 py-1 text-dense text-ink shadow-float"
          >
            {text}
            {keys && <KeyHint keys={keys} />}
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
    </Radix.Provider>
  )
}
