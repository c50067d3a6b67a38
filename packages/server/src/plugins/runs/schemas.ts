import { RUN_STATUSES, type RunWait } from '@holdfast/protocol/runs'
import * as z from 'zod'
import { RUN_SORTS, type RunFilter, type RunSort } from '../../runs/run-queries.ts'

/** What several groups of routes have in common. */

export const Id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/, 'not an id')
export const RunParams = z.object({ id: Id.describe('Of the run.') })

// Names of kinds, queues and providers, and keys of steps: any text that can be shown in a line.
const isLine = (text: string) => !/\p{Cc}/u.test(text) && text.isWellFormed()
export const line = (most: number) => z.string().min(1).max(most).refine(isLine, 'has signs in it that cannot be shown')
export const Name = line(200)
export const StepKey = line(512)
export const NameParams = z.object({ name: Name })

export const Version = z.int().min(0).max(2_147_483_647)
/** Seconds by which it goes before others of its queue. */
export const Priority = z.int().min(-86_400).max(86_400)
export const Text = z.string().max(4_096)
export const WorkerId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._~:/@-]{0,127}$/, 'not an id')
  .describe('Of a worker outside.')
/** Seconds. */
export const Lease = z.int().min(5).max(3_600)

export const limit = (most: number, usual: number) => z.coerce.number().int().min(1).max(most).default(usual)
export const PageQuery = z.object({ limit: limit(200, 50), cursor: z.string().min(1).max(2_000).optional() })

const WAITS = ['event', 'sleep', 'retry', 'provider', 'child', 'decision', 'paused', 'version', 'parked'] as const
WAITS satisfies readonly RunWait['kind'][]

const time = z.iso.datetime({ offset: true, error: 'not a time such as 2026-11-22T12:00:00Z' })
const flag = z.enum(['true', 'false'])

/** What a filter is made of: the same names in a query, where lists are parted by commas, and in a body. */
const parts = {
  cause: line(500).describe('Of failures of one cause.'),
  q: line(200).describe(
    'What an id begins with, or what stands in the name of a kind or in the error of a failed run.',
  ),
  parent: Id.describe('Runs that run started.'),
  retryOf: Id.describe('The run that tries that one again.'),
  schedule: Id.describe('Runs that schedule started.'),
  from: time.describe('Queued at this time or later.'),
  to: time.describe('Queued before this time.'),
}
const list = <Item extends z.ZodType<unknown, string>>(item: Item, most = 50, longest = 2_000) =>
  z
    .string()
    .max(longest)
    .transform((text) => text.split(','))
    .pipe(z.array(item).min(1).max(most))

const optional = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape).partial()

export const FilterQuery = optional({
  ...parts,
  status: list(z.enum(RUN_STATUSES)).describe('How they stand; several parted by commas.'),
  name: list(Name).describe('Of which kinds.'),
  queue: list(Name).describe('In which queues.'),
  wait: list(z.enum([...WAITS, 'person'])).describe('What they wait for; `person`: what only a person can give.'),
  ids: list(Id, 100, 13_000).describe('Only these, at most 100.'),
  retried: flag.describe('Whether somebody has tried them again.'),
})

const some = <Item extends z.ZodType>(item: Item) => z.array(item).min(1).max(50)

export const FilterBody = optional({
  ...parts,
  status: some(z.enum(RUN_STATUSES)),
  name: some(Name),
  queue: some(Name),
  wait: some(z.enum([...WAITS, 'person'])),
  retried: z.boolean(),
}).strict()

export const ListQuery = FilterQuery.extend({
  ...PageQuery.shape,
  sort: z.enum(RUN_SORTS).default('newest' satisfies RunSort),
})

type Asked = z.output<typeof FilterQuery> | z.output<typeof FilterBody>

/** The filter that was asked for. */
export function filterOf(asked: Asked): RunFilter {
  const { status, name, queue, wait, cause, q, parent, retryOf, schedule, retried, from, to } = asked
  return {
    ...('ids' in asked ? given('ids', asked.ids) : {}),
    ...given('statuses', status),
    ...given('names', name),
    ...given('queues', queue),
    ...given('waits', wait),
    ...given('cause', cause),
    ...given('search', q),
    ...given('parentId', parent),
    ...given('retryOf', retryOf),
    ...given('scheduleId', schedule),
    ...given('isRetried', retried === undefined ? undefined : String(retried) === 'true'),
    ...given('from', from === undefined ? undefined : Date.parse(from)),
    ...given('to', to === undefined ? undefined : Date.parse(to)),
  }
}

function given<Key extends keyof RunFilter>(key: Key, value: RunFilter[Key]): Pick<RunFilter, Key> | object {
  return value === undefined ? {} : { [key]: value }
}

/** What every command may carry. */
export const CommandHeaders = z.looseObject({
  'if-match': z
    .string()
    .regex(/^(?:\*|(?:W\/)?"\d{1,15}")$/, 'not a revision such as "7"')
    .optional()
    .describe('The revision it is meant for, as `ETag` of the run told it: 409 where the run is at another.'),
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'not 1 to 200 visible ASCII characters')
    .optional()
    .describe('The id of the command: sent again under the same one it is the same command.'),
})

// A run's input and result, and what is sent to it.
const JSON_MAX_LENGTH = 262_144

// Deeper than anybody writes; what nests further is costly for all who read it.
const JSON_DEPTH = 100

/** Any JSON, up to 256 KB of text. */
export const Json = z
  .unknown()
  .refine((value) => depthOf(value) <= JSON_DEPTH, { error: `nested more than ${JSON_DEPTH} deep`, abort: true })
  .refine(
    (value) => JSON.stringify(value).length <= JSON_MAX_LENGTH,
    `longer than ${JSON_MAX_LENGTH} characters as JSON`,
  )

/** How deep it is nested, as far as it matters; without calling itself, since it may be very deep. */
function depthOf(value: unknown): number {
  let level = [value]
  for (let depth = 0; ; depth += 1) {
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []))
    if (level.length === 0 || depth > JSON_DEPTH) return depth
  }
}
