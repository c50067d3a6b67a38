import { Button } from '@holdfast/ui'
import { Monitor, Moon, Sun } from 'lucide-react'
import { type Theme, useTheme } from './theme.ts'

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }
const ICON = { system: Monitor, light: Sun, dark: Moon } as const

/** One button through the three: as the system, light, dark. */
export function ThemeSwitch() {
  const [theme, choose] = useTheme()
  return (
    <Button
      look="quiet"
      icon={ICON[theme]}
      aria-label={`Theme: ${theme}. Change to ${NEXT[theme]}`}
      onClick={() => choose(NEXT[theme])}
    />
  )
}
