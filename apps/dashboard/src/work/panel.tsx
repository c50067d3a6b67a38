import type { Panel } from '@holdfast/ui'
import { type AnyRoute, createRoute, useNavigate } from '@tanstack/react-router'
import { CalendarClock, CircleSlash, Layers, ListChecks, MessageCircleQuestion } from 'lucide-react'
import { type ComponentType, lazy, type ReactNode, Suspense } from 'react'

const loadBadge = () => import('./decision-badge.tsx')
const loadWatch = () => import('./watch-decisions.tsx')
const loadList = () => import('./list/list-page.tsx').then(({ ListPage }) => ({ default: ListPage }))
const loadQueues = () => import('./queues/queues-page.tsx').then(({ QueuesPage }) => ({ default: QueuesPage }))
const loadFailures = () =>
  import('./failures/failures-page.tsx').then(({ FailuresPage }) => ({ default: FailuresPage }))
const loadDecisions = () =>
  import('./decisions/decisions-page.tsx').then(({ DecisionsPage }) => ({ default: DecisionsPage }))
const loadSchedules = () =>
  import('./schedules/schedules-page.tsx').then(({ SchedulesPage }) => ({ default: SchedulesPage }))
const loadRun = () => import('./run/run-page.tsx').then(({ RunPage }) => ({ default: RunPage }))

const ROUTES: readonly [path: string, load: () => Promise<{ default: ComponentType }>][] = [
  ['/work', loadList],
  ['/work/queues', loadQueues],
  ['/work/failures', loadFailures],
  ['/work/decisions', loadDecisions],
  ['/work/schedules', loadSchedules],
  ['/work/$runId', loadRun],
]

/** A part that the first screen does without: asked for when the page is there and has nothing else to do. */
function lazyLater(load: () => Promise<{ default: ComponentType }>) {
  return lazy(() => idle().then(load))
}

async function idle(): Promise<void> {
  if (document.readyState !== 'complete') {
    await new Promise((done) => window.addEventListener('load', done, { once: true }))
  }
  await new Promise<void>((done) => {
    // Not there in every browser.
    if ('requestIdleCallback' in window) requestIdleCallback(() => done(), { timeout: 5_000 })
    else setTimeout(done, 1_000)
  })
}

const WatchDecisions = lazyLater(loadWatch)

/** What people see of runs: all of them, their queues, what failed, what waits for a person, what comes by the clock. */
export const workPanel: Panel = {
  navigation: [
    { to: '/work', label: 'Work', icon: ListChecks, keys: 'g w', within: ['/work/'], Badge: lazyLater(loadBadge) },
  ],
  routes: (root: AnyRoute) =>
    ROUTES.map(([path, load]) => createRoute({ getParentRoute: () => root, path, component: lazy(load) })),
  Frame: WorkSurround,
  useCommands: useWorkCommands,
  parts: ROUTES.map(([, load]) => load),
}

/** How many runs wait for a person is kept on every page. */
function WorkSurround({ children }: { children: ReactNode }) {
  return (
    <>
      {children}
      <Suspense>
        <WatchDecisions />
      </Suspense>
    </>
  )
}

const PLACES = [
  { to: '/work/queues', label: 'Queues', icon: Layers, words: 'pause limit concurrency workers' },
  { to: '/work/failures', label: 'Failures', icon: CircleSlash, words: 'failed errors retry' },
  { to: '/work/decisions', label: 'Decisions', icon: MessageCircleQuestion, words: 'approve reject answer' },
  { to: '/work/schedules', label: 'Schedules', icon: CalendarClock, words: 'cron' },
] as const

function useWorkCommands() {
  const navigate = useNavigate()
  return PLACES.map(({ to, ...place }) => ({
    ...place,
    id: `go-${to}`,
    group: 'Places',
    run: () => void navigate({ to }),
  }))
}
