import { type Hotkeys, ROW_KEYS, useHotkeys } from '@holdfast/ui'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { CommandPalette } from '../palette/command-palette.tsx'
import { useCommands } from './commands.ts'
import { KeyboardHelp } from './keyboard-help.tsx'
import { ALL_PLACES } from './navigation.ts'

export interface OverlayState {
  open: 'palette' | 'help' | null
  openPalette(): void
  openHelp(): void
  close(): void
}

export function useOverlays(): OverlayState {
  const [open, setOpen] = useState<OverlayState['open']>(null)
  return {
    open,
    openPalette: () => setOpen('palette'),
    openHelp: () => setOpen('help'),
    close: () => setOpen(null),
  }
}

/** What opens over every page, and the keys that work on all of them. */
export function Overlays({ overlays }: { overlays: OverlayState }) {
  const { open, openPalette, openHelp, close } = overlays
  const navigate = useNavigate()
  const commands = useCommands(openHelp)
  useHotkeys({
    ...ROW_KEYS,
    ...Object.fromEntries(
      ALL_PLACES.map(({ keys, label, to }): [string, Hotkeys[string]] => [
        keys,
        { what: label, group: 'Go', run: () => void navigate({ to }) },
      ]),
    ),
    'mod+k': {
      what: 'Go to or do anything by name',
      group: 'Everywhere',
      run: () => (open === 'palette' ? close() : openPalette()),
    },
    // Pages with a search of their own take this key for it.
    '/': { what: 'Search places and actions', group: 'Everywhere', run: openPalette },
    '?': { what: 'This list', group: 'Everywhere', run: openHelp },
    // Told here, done by what is open.
    Escape: { what: 'Close what is open', group: 'Everywhere', isActive: hasOpen, run: () => false },
  })
  return (
    <>
      <CommandPalette open={open === 'palette'} onOpenChange={(isOpen) => !isOpen && close()} commands={commands} />
      <KeyboardHelp open={open === 'help'} onOpenChange={(isOpen) => !isOpen && close()} />
    </>
  )
}

function hasOpen(): boolean {
  return document.querySelector('[role="dialog"], [role="menu"]') !== null
}
