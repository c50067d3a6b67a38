import { Check, Minus } from 'lucide-react'
import { Checkbox } from 'radix-ui'
import type { MouseEvent } from 'react'

interface SelectBoxProps {
  /** What is selected by it: `Select report.pdf`. */
  label: string
  /** `'some'`: of several, not all. */
  checked: boolean | 'some'
  /** `isRange`: with Shift, everything since the one before. */
  onToggle(isRange: boolean): void
  disabled?: boolean
}

/** The box of a row, or of all rows; the key `x` presses the one of the row in focus. */
export function SelectBox({ label, checked, onToggle, disabled = false }: SelectBoxProps) {
  return (
    <Checkbox.Root
      data-select
      aria-label={label}
      checked={checked === 'some' ? 'indeterminate' : checked}
      disabled={disabled}
      onClick={(event: MouseEvent) => {
        event.preventDefault()
        onToggle(event.shiftKey)
      }}
      className="group inline-flex size-6 items-center justify-center rounded-sm align-middle -outline-offset-1 disabled:opacity-50 pointer-coarse:size-10"
    >
      <span className="flex size-4 items-center justify-center rounded-sm border border-control bg-raised text-on-accent group-data-[state=checked]:border-accent group-data-[state=checked]:bg-accent group-data-[state=indeterminate]:border-accent group-data-[state=indeterminate]:bg-accent">
        <Checkbox.Indicator>
          {checked === 'some' ? <Minus size={12} strokeWidth={3} /> : <Check size={12} strokeWidth={3} />}
        </Checkbox.Indicator>
      </span>
    </Checkbox.Root>
  )
}
