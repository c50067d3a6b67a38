import type { LucideIcon } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import type { ReactNode } from 'react'

interface MenuProps {
  /** The button that opens it. */
  trigger: ReactNode
  children: ReactNode
  open?: boolean
  onOpenChange?(open: boolean): void
}

/** A menu below a button. */
export function Menu({ trigger, children, ...state }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false} {...state}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          className="appear z-50 min-w-48 max-w-80 rounded-md border border-line bg-raised p-1 shadow-float"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

interface MenuItemProps {
  icon?: LucideIcon
  /** A line below: what it will do. */
  hint?: string
  onSelect(): void
  children: ReactNode
}

export function MenuItem({ icon: Icon, hint, onSelect, children }: MenuItemProps) {
  return (
    <DropdownMenu.Item
      onSelect={onSelect}
      className="flex cursor-pointer items-start gap-2 rounded-sm px-2 py-1.5 outline-none data-highlighted:bg-sunken pointer-coarse:py-3"
    >
      {Icon && <Icon size={16} aria-hidden="true" className="mt-0.5 shrink-0 text-ink-3" />}
      <span>
        {children}
        {hint && <span className="block text-dense text-ink-2">{hint}</span>}
      </span>
    </DropdownMenu.Item>
  )
}
