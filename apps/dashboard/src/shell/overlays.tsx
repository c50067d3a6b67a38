import { type Hotkeys, ROW_KEYS, useHotkeys } from '@holdfast/ui'
import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { CommandPalette } from '../palette/command-palette.tsx'
import { useCommands } from './commands.ts'
import { ALL_PLACES } from './navigation.ts'

const KeyboardHelp = lazy(() => import('./keyboard-help.tsx'))

export interface OverlayState {
  open: 'palette' | 'help' | null
  openPalette(): void
  openHelp(): void
  /** Closes this one; another one that has taken its place stays. */
  close(which: 'palette' | 'help'): void
}

export function useOverlays(): OverlayState {
  const [open, setOpen] = useState<OverlayState['open']>(null)
  return {
    open,
    openPalette: () => setOpen('palette'),
    openHelp: () => setOpen('help'),
    close: (which) => setOpen((now) => (now === which ? null : now)),
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
      run: () => (open === 'palette' ? close('palette') : openPalette()),
    },
    // Pages with a search of their own take this key for it.
    '/': { what: 'Search places and actions', group: 'Everywhere', run: openPalette },
    '?': { what: 'This list', group: 'Everywhere', run: openHelp },
    // Told here, done by what is open.
    Escape: { what: 'Close what is open', group: 'Everywhere', isActive: hasOpen, run: () => false },
  })
  return (
    <>
      <CommandPalette
        open={open === 'palette'}
        onOpenChange={(isOpen) => !isOpen && close('palette')}
        commands={commands}
      />
      {open === 'help' && (
        <Suspense>
          <KeyboardHelp open onOpenChange={(isOpen) => !isOpen && close('help')} />
        </Suspense>
      )}
    </>
  )
}

function hasOpen(): boolean {
  return document.querySelector('dialog[open], [role="dialog"], [role="menu"]') !== null
}
