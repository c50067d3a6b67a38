import { runStream } from '@holdfast/protocol/runs'
import { checkConnections } from './check-connections.ts'
import { checkHistory, type Violation } from './check-history.ts'
import { checkReading } from './check-reading.ts'
import type { FinalLog, ToldRun } from './history.ts'
import { ask, insist, streamPath } from './place.ts'
import { room } from './room.ts'
import { checkRun, type RunLeft } from './runs/check-runs.ts'
import type { World } from './world.ts'

/** Kills the servers once more, and holds what was told against what is there then. */
export async function verdict(world: World, streams: readonly string[]): Promise<Violation[]> {
  const { history, nodes } = world
  history.outage(false)
  await Promise.all(nodes.map(({ server }) => server.kill()))
  await Promise.all(nodes.map(({ server }) => server.start()))
  const deaths = nodes.flatMap(({ server }) => server.deaths)
  const found: Violation[] = deaths.map((text) => ({ kind: 'died', stream: '', text }))
  const logs: FinalLog[] = []
  for (const stream of streams) {
    await orUnreadable(stream, found, async () => {
      logs.push(await world.readLog(stream))
      if (room.match(stream)) await lastLook(world, stream)
    })
  }
  for (const told of history.runs) {
    await orUnreadable(told.stream, found, async () => {
      const left = await lookAtRun(world, told)
      found.push(...checkRun(told, left), ...checkFollowers(world, told, left?.log))
    })
  }
  const definitionOf = (stream: string) => (room.match(stream) ? room : null)
  return [...found, ...checkHistory(history, logs, definitionOf), ...checkConnections(history)]
}

async function orUnreadable(stream: string, found: Violation[], look: () => Promise<void>): Promise<void> {
  try {
    await look()
  } catch (error) {
    found.push({ kind: 'unreadable', stream, text: error instanceof Error ? error.message : String(error) })
  }
}

async function lastLook({ history, place }: World, stream: string): Promise<void> {
  const { text } = await insist(place, { path: streamPath(stream, { view: 'state' }) })
  const { state, offset, sealed } = JSON.parse(text)
  history.states.push({ reader: 'the last look', stream, state, offset, sealed })
}

/** A run as it stands now; `null` where there is none of that name. */
async function lookAtRun(world: World, told: ToldRun): Promise<RunLeft> {
  const path = `/test/runs/${told.id}`
  if (told.started !== 'ok' && (await ask(world.place, { path })).status === 404) return null
  const { text } = await insist(world.place, { path })
  const journal = await world.readLog(runStream.name({ id: told.id }))
  return { found: JSON.parse(text), log: await world.readLog(told.stream), journal }
}

/** What readers of a run's stream were given, and what has no place there. */
function checkFollowers({ history }: World, { stream }: ToldRun, log: FinalLog | undefined): Violation[] {
  const readings = log ? history.readings.filter((reading) => reading.stream === stream) : []
  const complaints = history.complaints.filter((complaint) => complaint.stream === stream)
  return [
    ...complaints.map(({ text }) => ({ kind: 'refused' as const, stream, text })),
    ...readings.flatMap((reading) => (log ? checkReading(reading, log, []) : [])),
  ]
}
