import { X } from 'lucide-react'
import { Dialog as Radix } from 'radix-ui'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { classNames } from './class-names.ts'
import { useFocusReturn } from './focus-return.ts'

interface DialogProps {
  open: boolean
  onOpenChange(open: boolean): void
  title: string
  /** One sentence below the title. */
  description?: ReactNode
  children: ReactNode
  wide?: boolean
}

/** A dialog in the middle of the page; on a phone a sheet at its foot. Escape and the veil close it. */
export function Dialog({ open, onOpenChange, title, description, children, wide }: DialogProps) {
  const giveFocusBack = useFocusReturn(open)
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="appear fixed inset-0 z-40 bg-veil" />
        <Radix.Content
          {...(description ? {} : { 'aria-describedby': undefined })}
          onCloseAutoFocus={giveFocusBack}
          className={classNames(
            'appear fixed inset-x-0 bottom-0 z-50 flex max-h-[88dvh] flex-col overflow-y-auto bg-raised p-4 shadow-float',
            'rounded-t-md border border-line sm:inset-x-auto sm:top-[12dvh] sm:bottom-auto sm:left-1/2 sm:max-h-[76dvh]',
            'sm:-translate-x-1/2 sm:rounded-md',
            wide ? 'sm:w-160' : 'sm:w-112',
          )}
        >
          <div className="mb-3 flex items-start gap-2">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-body font-bold">{title}</Radix.Title>
              {description && <Radix.Description className="mt-0.5 text-ink-2">{description}</Radix.Description>}
            </div>
            <Radix.Close asChild>
              <Button look="quiet" small icon={X} aria-label="Close" className="-mt-1 -mr-1" />
            </Radix.Close>
          </div>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

/** The row of buttons at a dialog's foot; the primary one last. */
export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="mt-4 flex flex-wrap justify-end gap-2">{children}</div>
}
