import type { FileRow } from '../file-store.ts'
import { countersFrom, PhaseMeter } from '../phase-meter.ts'
import type { Chunk, Rejection } from '../ports.ts'
import { readDocument } from './extract.ts'
import { contentOf, documentPath, each, exists, type PhaseWorld, rejectFile } from './world.ts'

/** Phase 3: cuts every text into passages with their places, and stores them. */
export async function chunk(world: PhaseWorld): Promise<void> {
  const { context, emitter, files, clock, parser } = world
  const { projectId } = context.input
  await emitter.emitPhaseStarted(projectId, 3, 'Cutting into passages')
  const counts = await files.counts(context.run.id)
  const start = countersFrom(counts, ['chunked', 'done'])
  const meter = new PhaseMeter({ emitter, projectId, phase: 3, clock, start })
  const width = parser.concurrency + 1
  const rows = files.ofIngestion(context.run.id, 'extracted')
  await each(rows, width, context.signal, (row) => chunkFile(world, meter, row))
  meter.complete()
}

async function chunkFile(world: PhaseWorld, meter: PhaseMeter, row: FileRow): Promise<void> {
  const { context, parser, clock, files } = world
  meter.begin(row.path)
  const result = await context.step<number | Rejection>(
    `chunk:${row.id}`,
    async (step) => {
      const last: Chunk[][] = []
      const count = await storePassages(world, row, last, step.signal)
      if (typeof count !== 'number') step.write(...(await rejectFile(world, row, 3, count)))
      else {
        for (const batch of last) step.write(files.addChunks(row, batch))
        step.write(files.move(row, 3, 'chunked', { passages_of: contentOf(row.sha256, parser) }, clock.now()))
      }
      return count
    },
    // The row remembers what its passages are of, and forgets it with them; a remembered step would not.
    { keep: () => false },
  )
  if (typeof result !== 'number') return meter.rejected(row.path, row.size, result)
  meter.done(row.path, row.size, result)
}

/**
 * Stores the passages of a file in place of its earlier ones, batch by batch; the last batch is left in `last`, to be
 * committed with the step. A crash in between leaves some: the next attempt begins by removing them.
 */
async function storePassages(
  world: PhaseWorld,
  row: FileRow,
  last: Chunk[][],
  signal: AbortSignal,
): Promise<number | Rejection> {
  const { context, parser, files } = world
  const document = documentPath(world, row.id)
  if (!(await exists(document))) {
    const read = await readDocument(world, row, signal)
    if ('rejected' in read) return read
  }
  await context.commit(files.removeChunks(row.id))
  return parser.chunk(
    document,
    async (batch) => {
      const before = last.pop()
      if (before) await context.commit(files.addChunks(row, before))
      last.push(batch)
    },
    signal,
  )
}
