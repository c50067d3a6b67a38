import type { Write } from '@holdfast/server'
import type { FileRow } from '../file-store.ts'
import { countersFrom, PhaseMeter } from '../phase-meter.ts'
import type { Chunk, Rejection } from '../ports.ts'
import { readDocument } from './extract.ts'
import { contentOf, documentPath, each, type PhaseWorld, rejectFile } from './world.ts'

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
      const { count, writes } = await storePassages(world, row, step.signal)
      if (typeof count !== 'number') step.write(...(await rejectFile(world, row, 3, count)))
      else {
        const passagesOf = { passages_of: contentOf(row.sha256, parser) }
        step.write(...writes, files.move(row, 3, 'chunked', passagesOf, clock.now()))
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
 * Stores the passages of a file in place of its earlier ones, batch by batch; what the last batch is to write is left
 * to be committed with the step, so that most files take one commit. A crash in between leaves some passages: the next
 * attempt begins by removing them.
 */
async function storePassages(
  world: PhaseWorld,
  row: FileRow,
  signal: AbortSignal,
): Promise<{ count: number | Rejection; writes: Write[] }> {
  const { context, files } = world
  const writes: Write[] = [files.removeChunks(row.id)]
  let batches = 0
  const onBatch = async (batch: Chunk[]) => {
    if (batches > 0) await context.commit(...writes.splice(0))
    writes.push(files.addChunks(row, batch))
    batches += 1
  }
  const count = await cut(world, row, onBatch, signal)
  return { count, writes }
}

/** Cuts the extracted text of a file; extracts it again where it is gone. */
async function cut(
  world: PhaseWorld,
  row: FileRow,
  onBatch: (chunks: Chunk[]) => Promise<void>,
  signal: AbortSignal,
): Promise<number | Rejection> {
  const document = documentPath(world, row.id)
  const count = await world.parser.chunk(document, onBatch, signal)
  if (typeof count === 'number' || count.rejected !== 'VANISHED') return count
  const read = await readDocument(world, row, signal)
  return 'rejected' in read ? read : world.parser.chunk(document, onBatch, signal)
}
