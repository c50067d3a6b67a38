import { readStored, subscribeStored, useStored } from '@holdfast/ui'

export type Theme = 'system' | 'light' | 'dark'
export type Density = 'comfortable' | 'compact'

export const THEMES: readonly Theme[] = ['system', 'light', 'dark']
export const DENSITIES: readonly Density[] = ['comfortable', 'compact']

/**
 * The chosen theme and the way to choose; kept on this device and the same in all of its tabs.
 * public/assets/appearance-1.js applies it before the first paint.
 */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [kept, keep] = useStored('theme')
  return [themeOf(kept), (theme) => keep(theme === 'system' ? null : theme)]
}

/** How much room rows and paddings take; kept as the theme is. */
export function useDensity(): [Density, (density: Density) => void] {
  const [kept, keep] = useStored('density')
  return [densityOf(kept), (density) => keep(density === 'comfortable' ? null : density)]
}

/** Shows what is chosen from now on, by whichever tab. */
export function followAppearance(): void {
  const apply = () => {
    const { dataset } = document.documentElement
    const theme = themeOf(readStored('theme'))
    const density = densityOf(readStored('density'))
    if (theme === 'system') delete dataset.theme
    else dataset.theme = theme
    if (density === 'comfortable') delete dataset.density
    else dataset.density = density
  }
  subscribeStored(apply)
}

function themeOf(kept: string | null): Theme {
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

function densityOf(kept: string | null): Density {
  return kept === 'compact' ? kept : 'comfortable'
}
