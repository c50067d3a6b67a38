import { Tabs as Radix } from 'radix-ui'
import type { ReactNode } from 'react'

interface TabsProps<Name extends string> {
  label: string
  value: Name
  onChange(value: Name): void
  tabs: { name: Name; title: ReactNode }[]
  children: ReactNode
}

/** Tabs; what stands below each is a TabPanel. */
export function Tabs<Name extends string>({ label, value, onChange, tabs, children }: TabsProps<Name>) {
  return (
    <Radix.Root value={value} onValueChange={(name) => onChange(name as Name)} activationMode="manual">
      <Radix.List aria-label={label} className="flex gap-5 overflow-x-auto border-b border-line">
        {tabs.map(({ name, title }) => (
          <Radix.Trigger
            key={name}
            value={name}
            className="-mb-px h-9 shrink-0 border-b-2 border-transparent text-ink-2 transition-colors hover:text-ink data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink pointer-coarse:h-11"
          >
            {title}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {children}
    </Radix.Root>
  )
}

export function TabPanel({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Radix.Content value={name} className="pt-3">
      {children}
    </Radix.Content>
  )
}
