import type { LucideIcon } from 'lucide-react'
import type { ComponentProps } from 'react'

/** A name in the rail: shown where it is wide. */
export const RAIL_NAME = 'hidden min-[1440px]:inline'

/** The looks of what stands in the rail. */
export const RAIL_ITEM =
  'group flex h-8 w-full items-center gap-2.5 rounded-md px-2.5 text-ink-2 hover:bg-sunken hover:text-ink pointer-coarse:h-10'

interface RailButtonProps extends ComponentProps<'button'> {
  icon: LucideIcon
  label: string
}

/** Looks like a place, does something instead. */
export function RailButton({ icon: Icon, label, ...rest }: RailButtonProps) {
  return (
    <button type="button" aria-label={label} className={RAIL_ITEM} {...rest}>
      <Icon size={16} aria-hidden="true" className="shrink-0" />
      <span className={RAIL_NAME}>{label}</span>
    </button>
  )
}
