import type { LucideIcon } from 'lucide-react'
import { type ComponentProps, useId } from 'react'
import { classNames } from './class-names.ts'

interface FieldProps extends ComponentProps<'input'> {
  label: string
  /** Show the label to screen readers only. */
  hideLabel?: boolean
  hint?: string
  /** What is wrong with the value. */
  problem?: string | undefined
  icon?: LucideIcon
}

/** One line of text with its label, a hint, and what is wrong with it. */
export function Field({ label, hideLabel, hint, problem, icon: Icon, className, ...rest }: FieldProps) {
  const id = useId()
  const note = problem ?? hint
  return (
    <div className={classNames('flex flex-col gap-1', className)}>
      <label htmlFor={id} className={hideLabel ? 'sr-only' : 'text-dense font-medium'}>
        {label}
      </label>
      <div className="relative">
        {Icon && (
          <Icon
            size={15}
            aria-hidden="true"
            className="pointer-events-none absolute top-1/2 left-2.5 -translate-y-1/2 text-ink-3"
          />
        )}
        <input
          id={id}
          aria-invalid={problem !== undefined}
          aria-describedby={note ? `${id}-note` : undefined}
          className={classNames(
            'h-8 w-full rounded-md border bg-raised pr-2.5 -outline-offset-1 transition-colors pointer-coarse:h-10 pointer-coarse:text-[16px]',
            Icon ? 'pl-8' : 'pl-2.5',
            problem ? 'border-fail' : 'border-control hover:border-ink-3',
          )}
          {...rest}
        />
      </div>
      {note && (
        <p id={`${id}-note`} className={classNames('text-dense', problem ? 'text-fail' : 'text-ink-3')}>
          {note}
        </p>
      )}
    </div>
  )
}
