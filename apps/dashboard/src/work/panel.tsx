import type { Panel } from '@holdfast/ui'
import { type AnyRoute, createRoute } from '@tanstack/react-router'
import { ListChecks } from 'lucide-react'
import { type ComponentType, Fragment, lazy } from 'react'

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

/** What people see of runs: all of them, their queues, what failed, what waits for a person, what comes by the clock. */
export const workPanel: Panel = {
  navigation: [{ to: '/work', label: 'Work', icon: ListChecks, keys: 'g w', within: ['/work/'] }],
  routes: (root: AnyRoute) =>
    ROUTES.map(([path, load]) => createRoute({ getParentRoute: () => root, path, component: lazy(load) })),
  Frame: Fragment,
  useCommands: () => [],
  parts: ROUTES.map(([, load]) => load),
}
