import type { FileRow } from '../file-store.ts'
import { countersFrom, PhaseMeter } from '../phase-meter.ts'
import { each, type PhaseWorld } from './world.ts'

// The index has one writer; a few files at once keep it busy while their steps go to the disk.
const WIDTH = 4

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
  const { context, clock, files, search } = world
  meter.begin(row.path)
  await context.step(
    `index:${row.id}`,
    async (step) => {
      await search.remove(row.project_id, row.id)
      for await (const batch of files.chunksOf(row.id)) {
        step.signal.throwIfAborted()
        await search.put(row.project_id, row.id, batch)
      }
      step.write(files.move(row, 4, 'done', {}, clock.now()))
    },
    // Not remembered: the index can always be built again from the passages, and the row says that it was.
    { keep: () => false },
  )
  meter.done(row.path, row.size)
}
