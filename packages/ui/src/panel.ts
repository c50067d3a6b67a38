import type { AnyRoute } from '@tanstack/react-router'
import type { LucideIcon } from 'lucide-react'
import type { ComponentType, ReactNode } from 'react'

/** What an app gives to the page: its places in the navigation, its routes, its commands. */
export interface Panel {
  navigation: NavigationEntry[]
  /** The app's routes below the page's root. */
  routes(root: AnyRoute): AnyRoute[]
  /** Stands around all of the page, for what outlives a change of route. */
  Frame: ComponentType<{ children: ReactNode }>
  /** What the command palette offers; a hook. */
  useCommands(): Command[]
}

export interface NavigationEntry {
  to: string
  label: string
  icon: LucideIcon
  /** Keys that lead there: `g p`. */
  keys: string
}

export interface Command {
  id: string
  label: string
  /** What kind of thing it is: `Project`. */
  group: string
  run(): void
}
