import { Check } from 'lucide-react'
import type { ReactElement } from 'react'
import { Badge } from './badge.tsx'
import type { Tone } from './chip.tsx'
import { Popover } from './popover.tsx'

interface OptionsProps<Name extends string> {
  /** What is chosen: `Status`. */
  label: string
  trigger: ReactElement<object>
  options: { name: Name; title: string; count?: number; tone?: Tone }[]
  value: Name | undefined
  onChange(value: Name): void
}

/** One of several, behind a button. */
export function Options<Name extends string>({ label, trigger, options, value, onChange }: OptionsProps<Name>) {
  return (
    <Popover trigger={trigger} label={label} align="start">
      {(close) => (
        <ul className="-m-2">
          {options.map(({ name, title, count, tone }) => (
            <li key={name}>
              <button
                type="button"
                aria-pressed={name === value}
                onClick={() => {
                  close()
                  onChange(name)
                }}
                className="flex w-full items-center gap-2 rounded-sm px-2 py-1.5 text-left hover:bg-sunken pointer-coarse:min-h-10"
              >
                <Check size={16} aria-hidden="true" className={name === value ? 'text-accent' : 'invisible'} />
                <span className="flex-1">{title}</span>
                {count !== undefined && (
                  <Badge tone={count > 0 && tone ? tone : 'quiet'}>{count.toLocaleString('en')}</Badge>
                )}
              </button>
            </li>
          ))}
        </ul>
      )}
    </Popover>
  )
}
