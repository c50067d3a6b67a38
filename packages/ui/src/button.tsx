import type { LucideIcon } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { classNames } from './class-names.ts'

const LOOKS = {
  primary: 'bg-accent text-on-accent hover:bg-accent-hover border-transparent',
  secondary: 'bg-raised text-ink border-line-strong hover:bg-sunken',
  quiet: 'bg-transparent text-ink-2 border-transparent hover:bg-sunken hover:text-ink',
  danger: 'bg-fail text-on-accent hover:bg-fail-hover border-transparent',
} as const

interface ButtonProps extends ComponentProps<'button'> {
  /** One primary a screen. Default `secondary`. */
  look?: keyof typeof LOOKS
  icon?: LucideIcon
  /** 28 px instead of 32; on touch screens both grow to 40. */
  small?: boolean
  children?: ReactNode
}

/** The classes of a button, for links that look like one. */
export function buttonClass(look: keyof typeof LOOKS = 'secondary', small = false, iconOnly = false): string {
  return classNames(
    'inline-flex shrink-0 items-center justify-center gap-1.5 whitespace-nowrap rounded-md border font-medium',
    'transition-colors disabled:opacity-50 disabled:pointer-events-none',
    small ? 'h-7 text-dense pointer-coarse:h-10' : 'h-8 text-body pointer-coarse:h-10',
    iconOnly ? (small ? 'w-7 pointer-coarse:w-10' : 'w-8 pointer-coarse:w-10') : small ? 'px-2' : 'px-3',
    LOOKS[look],
  )
}

/** A button, named by its verb. Without children it shows its icon only and needs an `aria-label`. */
export function Button({ look, icon: Icon, small, children, className, type = 'button', ...rest }: ButtonProps) {
  const iconOnly = children === undefined
  return (
    <button
      type={type}
      className={classNames(buttonClass(look, small, iconOnly), className)}
      title={iconOnly ? rest['aria-label'] : undefined}
      {...rest}
    >
      {Icon && <Icon size={16} aria-hidden="true" />}
      {children}
    </button>
  )
}
