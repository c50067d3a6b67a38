import type { FileRow } from '../file-store.ts'
import { countersFrom, PhaseMeter } from '../phase-meter.ts'
import { FILE_CODES, type FoundFile, type Probe, type Rejection, type Source } from '../ports.ts'
import { bring } from './bring.ts'
import { contentOf, each, exists, type PhaseWorld, sourceDir, takeOut } from './world.ts'

/** Phase 1: brings the source here, finds its files, and learns of each what it is. Totals are known at its end. */
export async function discover(world: PhaseWorld): Promise<void> {
  const { context, emitter, identity, clock, parser } = world
  const { projectId } = context.input
  await emitter.emitPhaseStarted(projectId, 1, 'Looking for files')
  await context.step(`discovered:${context.run.id}`, async () => {
    const { files, total, bytes, isWhole } = await filesToLookAt(world)
    const counts = await world.files.counts(context.run.id)
    const start = { ...countersFrom(counts, []), filesTotal: total, bytesTotal: bytes }
    const meter = new PhaseMeter({ emitter, projectId, phase: 1, clock, start: { ...start, ...NOTHING_DONE } })
    await each(files, parser.concurrency * 2, context.signal, (file) => lookAt(world, meter, file))
    if (isWhole) await forgetVanished(world, identity)
    meter.complete()
  })
}

const NOTHING_DONE = { filesDone: 0, filesFailed: 0, filesSkipped: 0, bytesDone: 0 }

/** The files an ingestion is about, and their sum, so that progress is honest from the first one on. */
async function filesToLookAt(world: PhaseWorld): Promise<{
  files: AsyncIterable<FoundFile>
  total: number
  bytes: number
  /** Whether these are all the files of the source. */
  isWhole: boolean
}> {
  const { context, sources } = world
  const { source, scope } = context.input
  if (scope.kind !== 'all') {
    const here = await sumOfHere(world, source)
    if (here) return { files: filesOf(world), ...here, isWhole: false }
  }
  const { root, rejected } = await sources.fetch(source, sourceDir(world), {
    signal: context.signal,
    onProgress: ({ total: known, files: fetched, bytes, current }) => {
      const filesTotal = known ?? fetched
      const metrics = { ...NO_METRICS, filesTotal, bytesTotal: bytes, currentFile: current }
      world.emitter.emitProgressUpdate(context.input.projectId, 1, 0, metrics)
    },
  })
  let total = rejected.length
  let bytes = 0
  for await (const file of sources.walk(root, context.signal)) {
    total += 1
    if ('size' in file) bytes += file.size
  }
  return { files: chain(toAsync(rejected), sources.walk(root, context.signal)), total, bytes, isWhole: true }
}

/** The files to be tried again, each looked at again for whether it may still be read where it stood. */
async function* filesOf(world: PhaseWorld): AsyncGenerator<FoundFile> {
  const { sources, context } = world
  for await (const row of failedRows(world)) {
    const { path, size, updated_at: modifiedAt } = row
    const absolutePath = sources.pathOf(row.absolute_path)
    if (context.input.source.kind === 'upload') await bring(world, row)
    const rejection = await sources.recheck(context.input.source, absolutePath)
    yield rejection ? { path, ...rejection } : { path, absolutePath, size, modifiedAt }
  }
}

/**
 * The sum of the failed files of a retry, where all can be read where they stood. One that was never there to be read
 * (a page that could not be had, a folder that could not be entered) is found by looking at its whole source again.
 */
async function sumOfHere(world: PhaseWorld, { kind }: Source): Promise<{ total: number; bytes: number } | null> {
  let total = 0
  let bytes = 0
  for await (const { absolute_path, size } of failedRows(world)) {
    if (absolute_path === '') return null
    const isOurs = kind === 'path' || kind === 'upload'
    if (!isOurs && !(await exists(world.sources.pathOf(absolute_path)))) return null
    total += 1
    bytes += size
  }
  return { total, bytes }
}

const NO_METRICS = { ...NOTHING_DONE, chunks: 0, ratePerSecond: 0, secondsLeft: null }

/** The files a retry covers; read anew each time, a page at a time. */
async function* failedRows(world: PhaseWorld): AsyncGenerator<FileRow> {
  const { scope } = world.context.input
  const { id, retryOf } = world.context.run
  if (scope.kind === 'file') {
    const row = await world.files.get(scope.fileId)
    if (row) yield row
  } else if (scope.kind === 'files') {
    yield* world.files.ofRetry(id)
  } else if (scope.kind === 'phase' && retryOf !== null) {
    yield* world.files.failedOf(retryOf, scope.phase)
  }
}

async function lookAt(world: PhaseWorld, meter: PhaseMeter, file: FoundFile): Promise<void> {
  const { context, identity, files, parser, sources, clock } = world
  const place = 'absolutePath' in file ? await sources.placeOf(file.absolutePath) : ''
  meter.begin(file.path)
  const probed: Probe | Rejection = 'rejected' in file ? file : await parser.probe(file.absolutePath, context.signal)
  const foundSize = 'size' in file ? file.size : 0
  const size = 'rejected' in probed ? foundSize : probed.size
  const known = await files.find(identity.projectId, identity.sourceKey, file.path)
  const id = known?.id ?? world.newId()
  const judged = judge(world, known, probed)
  const writes = [files.put(id, identity, { path: file.path, place, size }, judged, clock.now())]
  if (judged.rejection && judged.rejection.rejected !== 'UNCHANGED' && known && known.chunks > 0) {
    writes.push(...(await takeOut(world, known)), files.removeChunks(known.id))
  }
  await context.advance(...writes)
  if (judged.rejection) meter.rejected(file.path, size, judged.rejection)
  else meter.done(file.path, size)
}

/** What becomes of a file: work from some phase on, finished before in this line of retries, unchanged, or rejected. */
function judge({ parser, identity }: PhaseWorld, known: FileRow | null, probed: Probe | Rejection) {
  if ('rejected' in probed) {
    const { status } = FILE_CODES[probed.rejected]
    return { status, type: null, sha256: null, rejection: probed } as const
  }
  const { type, sha256 } = probed
  if (known === null || known.passages_of !== contentOf(sha256, parser)) {
    return { status: 'found', type, sha256, rejection: null } as const
  }
  const isSearchable = known.status === 'done' || known.code === 'UNCHANGED'
  // Cut into passages by an ingestion that ended before they were all in the index.
  if (!isSearchable) return { status: 'chunked', type, sha256, rejection: null } as const
  const ofThisLine = known.root_id === identity.rootId && known.status === 'done'
  if (ofThisLine) return { status: 'done', type, sha256, rejection: null } as const
  return { status: 'skipped', type, sha256, rejection: { rejected: 'UNCHANGED' } } as const
}

/** Files of this source that are no longer there take their passages with them. Uploads add to one another. */
async function forgetVanished(world: PhaseWorld, identity: PhaseWorld['identity']): Promise<void> {
  const { context, files } = world
  if (context.input.source.kind === 'upload') return
  for (;;) {
    const gone = await files.unmet(identity)
    if (gone.length === 0) return
    for (const row of gone) {
      context.signal.throwIfAborted()
      await context.commit(...(await takeOut(world, row)), files.removeFile(row.id))
    }
  }
}

async function* toAsync<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

async function* chain<T>(...parts: AsyncIterable<T>[]): AsyncGenerator<T> {
  for (const part of parts) yield* part
}
