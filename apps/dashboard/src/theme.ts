import { useState } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const KEY = 'holdfast.theme'

/** The chosen theme and the way to choose; kept on this device. public/assets/theme-1.js applies it before the first paint. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(() => readTheme())
  const choose = (next: Theme) => {
    setTheme(next)
    if (next === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = next
    try {
      localStorage.setItem(KEY, next)
    } catch {
      // Storage is blocked: the choice lasts as long as the page.
    }
  }
  return [theme, choose]
}

function readTheme(): Theme {
  const chosen = document.documentElement.dataset.theme
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system'
}
