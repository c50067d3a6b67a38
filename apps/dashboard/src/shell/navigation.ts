import type { NavigationEntry } from '@holdfast/ui'
import { useRouterState } from '@tanstack/react-router'
import { Settings } from 'lucide-react'
import { panels } from '../panels.ts'

/** The places of the apps that are there. */
export const PLACES: readonly NavigationEntry[] = panels.flatMap((panel) => panel.navigation)

export const SETTINGS: NavigationEntry = { to: '/settings', label: 'Settings', icon: Settings, keys: 'g s' }

export const ALL_PLACES: readonly NavigationEntry[] = [...PLACES, SETTINGS]

/** The place whose part of the address somebody stands in. */
export function useCurrentPlace(): NavigationEntry | undefined {
  const path = useRouterState({ select: (state) => state.location.pathname })
  return ALL_PLACES.find(({ to, within = [] }) => path === to || within.some((start) => path.startsWith(start)))
}
