import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { FileRow } from '../file-store.ts'
import { countersFrom, PhaseMeter } from '../phase-meter.ts'
import type { Extraction, FileType, Rejection } from '../ports.ts'
import { bring } from './bring.ts'
import { documentPath, each, type PhaseWorld, rejectFile } from './world.ts'

/** Phase 2: reads the text out of every file found. */
export async function extract(world: PhaseWorld): Promise<void> {
  const { context, emitter, files, clock, parser } = world
  const { projectId } = context.input
  await emitter.emitPhaseStarted(projectId, 2, 'Reading text')
  const counts = await files.counts(context.run.id)
  const start = countersFrom(counts, ['extracted', 'chunked', 'done'])
  const meter = new PhaseMeter({ emitter, projectId, phase: 2, clock, start })
  await mkdir(dirname(documentPath(world, 'x')), { recursive: true })
  const width = parser.concurrency + 1
  await each(files.ofIngestion(context.run.id, 'found'), width, context.signal, (row) => extractFile(world, meter, row))
  meter.complete()
}

async function extractFile(world: PhaseWorld, meter: PhaseMeter, row: FileRow): Promise<void> {
  const { context, parser } = world
  meter.begin(row.path)
  let written = false
  const result = await context.step<Extraction | Rejection>(
    `extract:${row.id}`,
    async (step) => {
      written = true
      const read = await readDocument(world, row, step.signal)
      if ('rejected' in read) step.write(...(await rejectFile(world, row, 2, read)))
      else step.write(extracted(world, row, read))
      return read
    },
    { input: [row.sha256, parser.version], keep: (read) => !('rejected' in read) },
  )
  if ('rejected' in result) return meter.rejected(row.path, row.size, result)
  // Remembered from an earlier ingestion of this line: the row has not heard of it yet.
  if (!written) await context.commit(extracted(world, row, result))
  meter.done(row.path, row.size)
}

/**
 * Reads a file's text into its document; also asked for by chunking, where the document of an earlier run is gone. A
 * file that is not here may be on the node that found it: then it is brought here.
 */
export async function readDocument(
  world: PhaseWorld,
  row: FileRow,
  signal: AbortSignal,
): Promise<Extraction | Rejection> {
  const path = world.sources.pathOf(row.absolute_path)
  const read = () => world.parser.extract(path, (row.type ?? 'text') as FileType, documentPath(world, row.id), signal)
  const first = await read()
  if (!('rejected' in first) || first.rejected !== 'VANISHED') return first
  return (await bring(world, row)) ? read() : first
}

function extracted(world: PhaseWorld, row: FileRow, { pages, title }: Extraction) {
  return world.files.move(row, 2, 'extracted', { pages, title }, world.clock.now())
}
