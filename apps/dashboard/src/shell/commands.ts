import { type Command, useReport, useToast } from '@holdfast/ui'
import { useNavigate } from '@tanstack/react-router'
import { Keyboard, Link2, LogOut, Monitor, Moon, Plug, Rows3, Rows4, Sun } from 'lucide-react'
import { useDensity, useTheme } from '../appearance.ts'
import { useConnectionFacts } from '../connection/use-connection-facts.ts'
import { panels } from '../panels.ts'
import { useSignOut } from '../settings/sign-out.ts'
import { ALL_PLACES } from './navigation.ts'

/** Everything the palette offers: places, what the panels bring, and what the shell does itself. */
export function useCommands(showHelp: () => void): Command[] {
  const navigate = useNavigate()
  const places = ALL_PLACES.map(
    ({ to, label, icon, keys }): Command => ({
      id: `go-${to}`,
      label,
      group: 'Places',
      icon,
      keys,
      run: () => void navigate({ to }),
    }),
  )
  const offered = panels.flatMap((panel) => {
    const icon = panel.navigation[0]?.icon
    // biome-ignore lint/correctness/useHookAtTopLevel: the panels are a constant list, so the hooks keep their order
    return panel.useCommands().map((command) => (icon ? { icon, ...command } : command))
  })
  return [...places, ...offered, ...useOwnCommands(showHelp)]
}

function useOwnCommands(showHelp: () => void): Command[] {
  const [, chooseTheme] = useTheme()
  const [density, chooseDensity] = useDensity()
  const { reconnect, connection } = useConnectionFacts()
  const copyLink = useCopyLink()
  const signOut = useSignOut()
  const theme = { group: 'Appearance', words: 'theme colour mode' }
  const isCompact = density === 'compact'
  const canReconnect = ['reconnecting', 'degraded', 'error'].includes(connection.state)
  return [
    {
      id: 'copy-link',
      label: 'Copy the link to this page',
      group: 'Actions',
      icon: Link2,
      words: 'url',
      run: copyLink,
    },
    ...(canReconnect
      ? [{ id: 'reconnect', label: 'Reconnect now', group: 'Actions', icon: Plug, run: reconnect }]
      : []),
    { id: 'theme-light', label: 'Light theme', icon: Sun, ...theme, run: () => chooseTheme('light') },
    { id: 'theme-dark', label: 'Dark theme', icon: Moon, ...theme, run: () => chooseTheme('dark') },
    { id: 'theme-system', label: 'Theme of the system', icon: Monitor, ...theme, run: () => chooseTheme('system') },
    {
      id: 'density',
      label: isCompact ? 'Comfortable rows' : 'Compact rows',
      group: 'Appearance',
      icon: isCompact ? Rows3 : Rows4,
      words: 'density dense',
      run: () => chooseDensity(isCompact ? 'comfortable' : 'compact'),
    },
    { id: 'help', label: 'Keyboard', group: 'Help', icon: Keyboard, keys: '?', words: 'keys shortcuts', run: showHelp },
    { id: 'sign-out', label: 'Sign out', group: 'Session', icon: LogOut, words: 'log out', run: () => signOut(false) },
  ]
}

function useCopyLink(): () => void {
  const toast = useToast()
  const report = useReport()
  return () => {
    navigator.clipboard.writeText(location.href).then(
      () => toast({ title: 'Link copied' }),
      (error) => report('The link could not be copied', error),
    )
  }
}
