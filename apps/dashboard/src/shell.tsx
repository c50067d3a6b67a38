import { RequestError } from '@holdfast/client'
import { useConnection, useStreamClient } from '@holdfast/react'
import { Button, type Command, Failure, type Panel, ROW_KEYS, Skeleton, useHotkeys } from '@holdfast/ui'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { Keyboard, Search } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { CommandPalette } from './command-palette.tsx'
import { ConnectionMark } from './connection-mark.tsx'
import { KeyboardHelp } from './keyboard-help.tsx'
import { Logo } from './logo.tsx'
import { panels } from './panels.ts'
import { SignIn } from './sign-in.tsx'
import { ThemeSwitch } from './theme-switch.tsx'

const navigation = panels.flatMap((panel) => panel.navigation)

/** The frame of every page: who is asking, where to go, how it is connected. */
export function Shell() {
  const client = useStreamClient()
  const me = useQuery({
    queryKey: ['me'],
    queryFn: ({ signal }) => client.request<{ kind: string; id: string }>('/api/me', { signal }),
    staleTime: Number.POSITIVE_INFINITY,
    retry: (count, error) => count < 5 && error instanceof RequestError && error.retry,
  })
  const { error } = useConnection()
  // At the start, or later, when the session has run out.
  if (isAuthError(me.error) || isAuthError(error)) return <SignIn />
  return (
    <Frames frames={panels.map((panel) => panel.Frame)}>
      <div className="flex min-h-dvh flex-col">
        <TopBar />
        <main className="mx-auto w-full max-w-320 flex-1 px-4 pt-4 pb-16 sm:px-6">
          {me.isError ? (
            <Failure title="Holdfast does not answer" error={me.error} onRetry={() => me.refetch()} />
          ) : me.isPending ? (
            <Skeleton className="h-7 w-48" />
          ) : (
            <Outlet />
          )}
        </main>
      </div>
    </Frames>
  )
}

function isAuthError(error: Error | null): boolean {
  return error instanceof RequestError && error.status === 401
}

/** Each panel's frame around the next one's, all of them around the page. */
function Frames({ frames, children }: { frames: Panel['Frame'][]; children: ReactNode }) {
  const [Frame, ...inner] = frames
  return Frame ? (
    <Frame>
      <Frames frames={inner}>{children}</Frames>
    </Frame>
  ) : (
    children
  )
}

function TopBar() {
  const [isPaletteOpen, setPaletteOpen] = useState(false)
  const [isHelpOpen, setHelpOpen] = useState(false)
  const commands = useCommands(() => setHelpOpen(true))
  const navigate = useNavigate()
  useHotkeys({
    ...ROW_KEYS,
    'mod+k': { what: 'Go to or do anything by name', group: 'Everywhere', run: () => setPaletteOpen((open) => !open) },
    '?': { what: 'All keys of this page', group: 'Everywhere', run: () => setHelpOpen(true) },
    // Pages with a search of their own take this key for it.
    '/': { what: 'Search places and actions', group: 'Everywhere', run: () => setPaletteOpen(true) },
    ...Object.fromEntries(
      navigation.map(({ keys, label, to }) => [
        keys,
        { what: label, group: 'Go' as const, run: () => void navigate({ to }) },
      ]),
    ),
  })
  return (
    <header className="sticky top-0 z-20 border-b border-line bg-ground">
      <div className="mx-auto flex h-12 w-full max-w-320 items-center gap-1 px-4 sm:px-6">
        <Link to="/" aria-label="Holdfast" className="mr-3 flex items-center gap-2 font-bold">
          <Logo />
          <span className="hidden sm:inline">Holdfast</span>
        </Link>
        <nav aria-label="Main" className="flex items-center gap-1">
          {navigation.map(({ to, label, icon: Icon }) => (
            <Link
              key={to}
              to={to}
              className="flex h-8 items-center gap-1.5 rounded-md px-2 pointer-coarse:h-10 text-ink-2 hover:bg-sunken hover:text-ink aria-[current=page]:text-ink aria-[current=page]:font-medium"
            >
              <Icon size={16} aria-hidden="true" />
              {label}
            </Link>
          ))}
        </nav>
        <div className="ml-auto flex items-center gap-1">
          <ConnectionMark />
          <Button look="quiet" icon={Search} aria-label="Go to or do (Ctrl K)" onClick={() => setPaletteOpen(true)} />
          <span className="hidden sm:contents">
            <Button look="quiet" icon={Keyboard} aria-label="Keyboard (?)" onClick={() => setHelpOpen(true)} />
          </span>
          <ThemeSwitch />
        </div>
      </div>
      <CommandPalette open={isPaletteOpen} onOpenChange={setPaletteOpen} commands={commands} />
      <KeyboardHelp open={isHelpOpen} onOpenChange={setHelpOpen} />
    </header>
  )
}

function useCommands(showHelp: () => void): Command[] {
  const navigate = useNavigate()
  const places = navigation.map(({ to, label }) => ({
    id: `go-${to}`,
    label,
    group: 'Place',
    run: () => void navigate({ to }),
  }))
  // biome-ignore lint/correctness/useHookAtTopLevel: the panels are a constant list, so the hooks keep their order
  const offered = panels.flatMap((panel) => panel.useCommands())
  return [...places, ...offered, { id: 'help', label: 'Show the keyboard', group: 'Help', run: showHelp }]
}
