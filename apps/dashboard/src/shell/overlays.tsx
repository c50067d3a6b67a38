import { type Hotkeys, ROW_KEYS, useHotkeys } from '@holdfast/ui'
import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useState } from 'react'
import { useCommands } from './commands.ts'
import { KeyboardHelp } from './keyboard-help.tsx'
import { ALL_PLACES } from './navigation.ts'

const loadPalette = () => import('../palette/command-palette.tsx')
const CommandPalette = lazy(loadPalette)

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
  usePreload(loadPalette)
  return (
    <>
      {open === 'palette' && (
        <Suspense>
          <CommandPalette open onOpenChange={(isOpen) => !isOpen && close()} commands={commands} />
        </Suspense>
      )}
      <KeyboardHelp open={open === 'help'} onOpenChange={(isOpen) => !isOpen && close()} />
    </>
  )
}

function hasOpen(): boolean {
  return document.querySelector('[role="dialog"], [role="menu"]') !== null
}

/** Reads what will be needed at a key press once the page has nothing better to do. */
function usePreload(load: () => Promise<unknown>): void {
  useEffect(() => {
    const timer = setTimeout(() => void load().catch(() => {}), 1500)
    return () => clearTimeout(timer)
  }, [load])
}
