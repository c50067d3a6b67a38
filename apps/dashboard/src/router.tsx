import { buttonClass, Empty, Failure, usePage } from '@holdfast/ui'
import { createRootRoute, createRoute, createRouter, Link } from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { lazy } from 'react'
import { panels } from './panels.ts'
import { Shell } from './shell/shell.tsx'

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound })
const design = createRoute({
  getParentRoute: () => root,
  path: '/_design',
  component: lazy(() => import('./design/design-page.tsx')),
})
const loadSettings = () => import('./settings/settings-page.tsx')
const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazy(loadSettings),
})

/** Search params are plain text both ways: `?status=failed`, never JSON. */
export const router = createRouter({
  routeTree: root.addChildren([settings, design, ...panels.flatMap((panel) => panel.routes(root))]),
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '')
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
    return text === '' ? '' : `?${text}`
  },
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultErrorComponent: ({ error, reset }) => (
    // A part that could not be loaded is not asked for again by the page that asked for it.
    <Failure
      title="This page could not be shown"
      error={error}
      onRetry={/imported module|module script/i.test(String(error)) ? () => location.reload() : reset}
    />
  ),
})

/**
 * Loads what the other places need, but for the sheet of components, which only its makers open: a page that stands
 * open leads everywhere while its server is away. What cannot be loaded is asked for again by whoever goes there.
 */
export function preloadPlaces(): void {
  for (const load of [loadSettings, ...panels.flatMap((panel) => panel.parts ?? [])]) load().catch(() => {})
}

function NotFound() {
  usePage({ title: 'Not found' })
  return (
    <>
      <h1 className="sr-only">Not found</h1>
      <Empty
        icon={Compass}
        title="There is nothing at this address"
        action={
          <Link to="/" className={buttonClass()}>
            Go to projects
          </Link>
        }
      >
        The link may be old, or a letter is missing.
      </Empty>
    </>
  )
}
