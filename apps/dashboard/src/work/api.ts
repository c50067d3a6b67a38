import { RequestError, type StreamClient } from '@holdfast/client'
import type {
  BatchAction,
  BatchView,
  CommandReceipt,
  FailureGroup,
  Paged,
  QueuesView,
  RunDetails,
  RunStatus,
  RunSummary,
  ScheduleView,
  StepView,
} from '@holdfast/protocol/runs'

/** What is used of the client: a request to the same server, which throws RequestError. */
export type Requester = Pick<StreamClient, 'request'>

/** Which runs are meant. `status`, `name`, `queue` and `wait` take several, with commas between. Times are RFC 3339. */
export interface RunFilter {
  status?: string | undefined
  name?: string | undefined
  queue?: string | undefined
  cause?: string | undefined
  /** Part of a name, an id, or of the error's words. */
  q?: string | undefined
  parent?: string | undefined
  retryOf?: string | undefined
  schedule?: string | undefined
  /** `false`: only those that no later run tries again. */
  retried?: 'false' | undefined
  /** What they wait for; `person`: for something only a person can give. */
  wait?: string | undefined
  /** Begun to wait at or after, and before. */
  from?: string | undefined
  to?: string | undefined
  /** Only these, at most 100. */
  ids?: string | undefined
}

export const RUN_SORTS = ['newest', 'oldest', 'longest', 'priority'] as const
export type RunSort = (typeof RUN_SORTS)[number]

export interface RunCount {
  count: number
  byStatus: Record<RunStatus, number>
}

/** A kind of run that some server knows. */
export interface RunKind {
  name: string
  version: number
  queue: string
  phases: string[]
  /** Carried out by workers outside the server. */
  outside: boolean
}

/** One line of a run's log, made of its journal. */
export interface LogLine {
  offset: string
  timestamp: string
  type: string
  level: 'debug' | 'info' | 'warn' | 'error'
  message: string
  attempt?: number
}

/** What a person says to one run. */
export type RunOrder =
  | { command: 'cancel' | 'pause' | 'resume' }
  | { command: 'steer'; message: string }
  | { command: 'approve' | 'reject'; comment?: string | undefined }
  | { command: 'signal'; name: string; payload: unknown }
  | { command: 'priority'; priority: number }
  | { command: 'move'; before?: string; after?: string }
  | { command: 'decide'; step: string; decision: 'done' | 'repeat' | 'fail'; output?: unknown }

/** How an order is sent: `id` makes a repetition the same command, `revision` acts on just what was seen. */
export interface OrderGiven {
  id: string
  revision?: number | undefined
}

export interface RetryOrder {
  from: 'failed' | 'start'
  input?: unknown
}

/** The new run that tries another one again. */
export interface Retried {
  commandId: string
  run: RunSummary
}

export interface BatchOrder {
  action: BatchAction
  priority?: number | undefined
  filter: RunFilter
  /** Of those that match, only these. */
  ids?: string[] | undefined
  /** Of those that match, all but these. */
  exceptIds?: string[] | undefined
  /** How many the person was told of: refused with CONFLICT where there are others now. */
  expected?: number | undefined
}

export interface NewSchedule {
  name: string
  input: unknown
  cron: string
  timezone?: string
}

/** A queue or a provider set otherwise. `concurrency: null` takes the limit away. */
export interface LimitChange {
  paused?: boolean
  concurrency?: number | null
}

export interface PageOf {
  limit?: number
  cursor?: string | null
}

type Params = Record<string, string | number | null | undefined>

/** Everything the pages about work ask of the server, each call one request. */
export function workApi({ request }: Requester) {
  const get = <T>(path: string, params: object = {}, signal?: AbortSignal) =>
    request<T>(`/api/${path}${queryOf(params as Params)}`, signal ? { signal } : {})
  const post = <T>(path: string, body: object, headers: Record<string, string> = {}) =>
    request<T>(`/api/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  return {
    runs: (filter: RunFilter, page: PageOf & { sort?: RunSort } = {}, signal?: AbortSignal) =>
      get<Paged<RunSummary>>('runs', { ...filter, ...page }, signal),
    count: (filter: RunFilter, signal?: AbortSignal) => get<RunCount>('runs/count', filter, signal),
    kinds: (signal?: AbortSignal) => get<{ items: RunKind[] }>('runs/kinds', {}, signal),
    run: (id: string, signal?: AbortSignal) => get<RunDetails>(runPath(id), {}, signal),
    steps: (id: string, page: PageOf, signal?: AbortSignal) =>
      get<Paged<StepView>>(`${runPath(id)}/steps`, page, signal),
    log: (id: string, page: { level?: string; after?: string; limit?: number }, signal?: AbortSignal) =>
      get<Paged<LogLine>>(`${runPath(id)}/log`, page, signal),
    failures: (filter: RunFilter, signal?: AbortSignal) =>
      get<{ items: FailureGroup[] }>('runs/failures', filter, signal),
    queues: (signal?: AbortSignal) => get<QueuesView>('queue', {}, signal),
    entries: (queue: string, page: PageOf, signal?: AbortSignal) =>
      get<Paged<RunSummary>>(`queue/${encodeURIComponent(queue)}/entries`, page, signal),
    schedules: (signal?: AbortSignal) => get<{ items: ScheduleView[] }>('schedules', {}, signal),
    batch: (id: string, signal?: AbortSignal) => get<BatchView>(`runs/batches/${encodeURIComponent(id)}`, {}, signal),

    /** Durable when it resolves: sent again under the same id it is the same command. */
    order(runId: string, order: RunOrder, given: OrderGiven): Promise<CommandReceipt> {
      const [path, body] = requestOf(order)
      return post(`${runPath(runId)}/${path}`, body, headersOf(given))
    },
    retry: (runId: string, order: RetryOrder, given: OrderGiven) =>
      post<Retried>(`${runPath(runId)}/retry`, order, headersOf(given)),
    startBatch: ({ filter, ...order }: BatchOrder, id: string) =>
      post<BatchView>('runs/batches', { ...order, filter: bodyOf(filter) }, { 'idempotency-key': id }),
    undoBatch: (id: string) => post<BatchView>(`runs/batches/${encodeURIComponent(id)}/undo`, {}),
    setQueue: (name: string, change: LimitChange) => post<unknown>(`queue/${encodeURIComponent(name)}`, change),
    setProvider: (name: string, change: LimitChange) =>
      post<unknown>(`queue/providers/${encodeURIComponent(name)}`, change),
    addSchedule: (schedule: NewSchedule) => post<ScheduleView>('schedules', schedule),
    setSchedule: (id: string, change: { paused?: boolean; cron?: string }) =>
      post<ScheduleView>(`schedules/${encodeURIComponent(id)}`, change),
    removeSchedule: (id: string) => request<void>(`/api/schedules/${encodeURIComponent(id)}`, { method: 'DELETE' }),
  }
}

export type WorkApi = ReturnType<typeof workApi>

/** Whether an answer said that something has changed since it was read. */
export function isConflict(error: unknown): boolean {
  return error instanceof RequestError && error.status === 409
}

/** What is given, as a query; the rest is left out. */
export function queryOf(params: Params): string {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return query && `?${query}`
}

/** A filter as a body says it: what stands with commas in a query is a list there. */
function bodyOf({ status, name, queue, wait, retried, ...rest }: RunFilter): object {
  return {
    ...rest,
    status: status?.split(','),
    name: name?.split(','),
    queue: queue?.split(','),
    wait: wait?.split(','),
    ...(retried && { retried: false }),
  }
}

function runPath(id: string): string {
  return `runs/${encodeURIComponent(id)}`
}

function headersOf({ id, revision }: OrderGiven): Record<string, string> {
  return { 'idempotency-key': id, ...(revision !== undefined && { 'if-match': `"${revision}"` }) }
}

/** The path below the run, and the body. */
function requestOf(order: RunOrder): [path: string, body: object] {
  switch (order.command) {
    case 'signal':
      return ['signals', { name: order.name, payload: order.payload }]
    case 'decide': {
      const { step, decision, output } = order
      return [`steps/${encodeURIComponent(step)}/decision`, { decision, ...(output !== undefined && { output }) }]
    }
    default: {
      const { command, ...body } = order
      return [command, body]
    }
  }
}
