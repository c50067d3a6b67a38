import { Tooltip } from '@holdfast/ui'
import { Monitor, Moon, Sun } from 'lucide-react'
import { THEMES, type Theme, useTheme } from '../appearance.ts'
import { RailButton } from './rail-button.tsx'

const ICON = { system: Monitor, light: Sun, dark: Moon } as const
const WORD: Record<Theme, string> = { system: 'System theme', light: 'Light theme', dark: 'Dark theme' }

/** One button through the three: as the system, light, dark. */
export function ThemeSwitch() {
  const [theme, choose] = useTheme()
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system'
  return (
    <Tooltip side="right" text={`${WORD[theme]}. Press for ${next}`}>
      <RailButton icon={ICON[theme]} label={WORD[theme]} onClick={() => choose(next)} />
    </Tooltip>
  )
}
