import { formatOffset, sleep, systemClock } from '@holdfast/protocol'
import { ask } from './place.ts'
import type { Reader } from './reader.ts'
import type { World } from './world.ts'

/** Waits until every run has ended and every reader stands at the end of its stream; the checker finds what never does. */
export async function catchUp(world: World, readers: readonly Reader[], patienceMs: number): Promise<void> {
  const end = systemClock.now() + patienceMs
  for (const { id, started } of world.history.runs) {
    while (started === 'ok' && systemClock.now() < end && !(await hasEnded(world, id))) await sleep(systemClock, 50)
  }
  for (const stream of new Set(readers.map(({ stream }) => stream))) {
    const log = await world.readLog(stream).catch(() => null)
    // That it cannot be read will be said in the end.
    if (!log) continue
    const { incarnation, events, sealed } = log
    const tail = formatOffset({ incarnation, seq: events.length })
    for (const reader of readers.filter((reader) => reader.stream === stream)) {
      while (systemClock.now() < end && (reader.position !== tail || reader.isAtEnd !== sealed)) {
        await sleep(systemClock, 10)
      }
    }
  }
}

async function hasEnded({ place }: World, id: string): Promise<boolean> {
  const answer = await ask(place, { path: `/test/runs/${id}` }).catch(() => null)
  if (answer?.status !== 200) return false
  const { status } = JSON.parse(answer.text) as { status: string }
  return status !== 'queued' && status !== 'working'
}
