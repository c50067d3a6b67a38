import { ToggleGroup } from 'radix-ui'
import type { ReactNode } from 'react'

interface ChoiceProps<Name extends string> {
  label: string
  value: Name
  onChange(value: Name): void
  options: { name: Name; title: ReactNode; ariaLabel?: string }[]
}

/** One of a few, all of them in view. */
export function Choice<Name extends string>({ label, value, onChange, options }: ChoiceProps<Name>) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label={label}
      value={value}
      onValueChange={(name) => name && onChange(name as Name)}
      className="inline-flex max-w-full flex-wrap self-start rounded-md border border-line bg-sunken p-0.5"
    >
      {options.map((option) => (
        <ToggleGroup.Item
          key={option.name}
          value={option.name}
          aria-label={option.ariaLabel}
          title={option.ariaLabel}
          className="inline-flex h-6.5 shrink-0 items-center gap-1.5 rounded-sm px-2 text-dense text-ink-2 hover:text-ink data-[state=on]:bg-raised data-[state=on]:font-medium data-[state=on]:text-ink data-[state=on]:ring-1 data-[state=on]:ring-line pointer-coarse:h-10 pointer-coarse:min-w-10 pointer-coarse:justify-center"
        >
          {option.title}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  )
}
