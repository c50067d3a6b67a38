import { Child } from '../child.ts'
import { DURABLE_STREAMS, HOLDFAST, ServerUnderTest } from '../contenders.ts'
import type { Target } from '../load/appenders.ts'
import { WRITERS } from '../load/delivery.ts'
import { figuresOf, type Written } from '../load/write-loop.ts'
import type { WriteRequest } from '../load/writers.ts'
import { alternate, type Section, type Settings } from './section.ts'

const SHAPES = [
  { writers: 1, streams: 1 },
  { writers: 64, streams: 1 },
  { writers: 64, streams: 64 },
]

/** Durable appends over HTTP, each answered after its fsync. */
export async function appends({ rounds, quick }: Settings): Promise<Section> {
  const cases = SHAPES.flatMap((shape) =>
    [HOLDFAST, DURABLE_STREAMS].map((contender) => ({
      contender,
      what: `${shape.writers} writer${shape.writers > 1 ? 's' : ''}, ${shape.streams} stream${shape.streams > 1 ? 's' : ''}`,
      ...shape,
    })),
  )
  const figures = await alternate(rounds, cases, async ({ contender, writers, streams }) => {
    await using server = await ServerUnderTest.start(contender)
    await using load = await Child.start<null>(WRITERS)
    const ask = (seconds: number, prefix: string) => {
      const targets: Target[] = [{ kind: 'http', address: server.address }]
      const request: WriteRequest = { targets, writers, streams, seconds, padding: 150, prefix }
      return load.ask<Written>('write', request)
    }
    await ask(quick ? 0.3 : 1, 'warm')
    return figuresOf(await ask(quick ? 0.5 : 4, 's'))
  })
  return {
    title: 'Durable appends over HTTP',
    note: 'POST of one JSON event of about 200 bytes over keep-alive connections, each with one request under way. Refused are appends answered with an error, such as 404 for a stream that was just made; they are not counted.',
    columns: ['appends/s', 'p50 ms', 'p99 ms', 'refused'],
    figures,
  }
}
