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
  /** Loads the parts that are not there from the beginning; called when the page has nothing else to do. */
  parts?: readonly (() => Promise<unknown>)[]
  /** What of it can be set for this browser: sections of the page `/settings`. */
  settings?: ComponentType
}

export interface NavigationEntry {
  to: string
  label: string
  icon: LucideIcon
  /** Keys that lead there: `g p`. */
  keys: string
  /** Beginnings of the addresses that belong to it besides `to`: `/projects/`. */
  within?: readonly string[]
  /** A small count beside it: what waits there for a person. Nothing while there is none. */
  Badge?: ComponentType
}

export interface Command {
  /** The same in every session: what was used last is remembered by it. */
  id: string
  label: string
  /** What kind of thing it is: `Project`. */
  group: string
  /** Default: the icon of the app's first place. */
  icon?: LucideIcon
  /** The hotkey that does the same. */
  keys?: string
  /** Other words somebody may look for: `dark mode`. */
  words?: string
  run(): void
}
