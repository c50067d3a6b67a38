import type { Write } from '@holdfast/server'
import type { FileRow } from '../file-store.ts'
import { countersFrom, PhaseMeter } from '../phase-meter.ts'
import { each, type PhaseWorld } from './world.ts'

// The index has one writer; a few files at once keep it busy while their steps go to the disk.
const WIDTH = 4
// Each commit waits for the disk, and holds the run's row, which a cancel waits for: so few, and none that is long.
const WRITES = 3

/** Phase 4: makes the passages searchable. */
export async function indexPassages(world: PhaseWorld): Promise<void> {
  const { context, emitter, files, clock } = world
  const { projectId } = context.input
  await emitter.emitPhaseStarted(projectId, 4, 'Building the index')
  const counts = await files.counts(context.run.id)
  const start = countersFrom(counts, ['done'])
  const meter = new PhaseMeter({ emitter, projectId, phase: 4, clock, start })
  const rows = files.ofIngestion(context.run.id, 'chunked')
  await each(rows, WIDTH, context.signal, (row) => indexFile(world, meter, row))
  meter.complete()
}

async function indexFile(world: PhaseWorld, meter: PhaseMeter, row: FileRow): Promise<void> {
  const { context, clock, files } = world
  meter.begin(row.path)
  await context.step(
    `index:${row.id}`,
    async (step) => {
      const writes = await putPassages(world, row, step.signal)
      step.write(...writes, files.move(row, 4, 'done', {}, clock.now()))
    },
    // Not remembered: the index can always be built again from the passages, and the row says that it was.
    { keep: () => false },
  )
  meter.done(row.path, row.size)
}

/**
 * Puts a file's passages in place of its earlier ones, and answers what is left to be committed with the step: where
 * the index stands in the store itself, most files take one commit.
 */
async function putPassages(
  { context, files, search }: PhaseWorld,
  row: FileRow,
  signal: AbortSignal,
): Promise<Write[]> {
  const waiting: Write[] = []
  const index = search.through(async (...writes) => void waiting.push(...writes))
  await index.remove(row.project_id, row.id)
  for await (const batch of files.chunksOf(row.id)) {
    signal.throwIfAborted()
    if (waiting.length === WRITES) await context.commit(...waiting.splice(0))
    await index.put(row.project_id, row.id, batch)
  }
  return waiting
}
