import { Popover as Radix } from 'radix-ui'
import type { ReactNode } from 'react'

interface PopoverProps {
  /** The button that opens it. */
  trigger: ReactNode
  /** What it is, to a screen reader. */
  label: string
  children: ReactNode
  open?: boolean
  onOpenChange?(open: boolean): void
  /** Which edge of the trigger it keeps to. Default `end`. */
  align?: 'start' | 'center' | 'end'
  side?: 'top' | 'bottom' | 'right'
}

/** Details beside a button; the page behind stays usable. Escape and a click elsewhere close it. */
export function Popover({ trigger, label, children, align = 'end', side = 'bottom', ...state }: PopoverProps) {
  return (
    <Radix.Root {...state}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={8}
          aria-label={label}
          className="appear z-50 w-80 max-w-[calc(100vw-1rem)] rounded-md border border-line bg-raised p-3 shadow-float"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}
