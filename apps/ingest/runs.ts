import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ERRORS, type ErrorCode, HoldfastError } from '@holdfast/protocol'
import { defineRun, type Outcome, type Run, type RunContext, type Services, type Write } from '@holdfast/server'
import * as z from 'zod'
import { IngestionEventEmitter } from './emitter.ts'
import type { FileStore } from './file-store.ts'
import type { IngestionStore } from './ingestion-store.ts'
import { chunk } from './phases/chunk.ts'
import { discover } from './phases/discover.ts'
import { extract } from './phases/extract.ts'
import { indexPassages } from './phases/index-passages.ts'
import { type IngestionInput, type PhaseWorld, sourceDir } from './phases/world.ts'
import type { Parser, SearchIndex, Sources } from './ports.ts'
import {
  type IngestionError,
  IngestionResult,
  type IngestionState,
  ingestionStream,
  PHASES,
  type Phase,
  projectStream,
  projectsStream,
} from './streams.ts'
import { overallPercent, PHASE_WEIGHTS } from './view.ts'

export interface IngestionRunDeps {
  services: Services
  files: FileStore
  ingestions: IngestionStore
  parser: Parser
  sources: Sources
  search: SearchIndex
  /** Folder for downloads and extracted texts. */
  dataDir: string
  /** Lines of retries that this node works on: their folders are in use. */
  atWork: Set<string>
}

const Source = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('upload'), uploadId: z.string(), files: z.number() }),
  z.object({ kind: z.literal('path'), path: z.string() }),
  z.object({ kind: z.literal('url'), url: z.string() }),
  z.object({ kind: z.literal('sitemap'), url: z.string() }),
  z.object({ kind: z.literal('repository'), repository: z.string(), ref: z.string().optional() }),
])
const Scope = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('all') }),
  z.object({ kind: z.literal('phase'), phase: z.number() }),
  z.object({ kind: z.literal('file'), fileId: z.string() }),
  z.object({ kind: z.literal('files') }),
])

/** The ingestion as a run: four phases, each taken up where the last attempt left it. */
export function ingestionRun(deps: IngestionRunDeps) {
  return defineRun<IngestionInput>({
    name: 'ingestion',
    version: 1,
    phases: Object.fromEntries(PHASES.map((name, index) => [name, PHASE_WEIGHTS[index] ?? 1])),
    // Files are its steps, thousands of them: the ingestion's own stream tells of them, in figures.
    tellSteps: false,
    // A file that cannot be read is left out, and what is wrong with all of it is told to whoever waits.
    stepRetry: { attempts: 1 },
    // The next ingestion of the project waits behind it.
    poison: 'fail',
    input: z.object({ projectId: z.string(), source: Source, sourceKey: z.string(), scope: Scope }),
    stream: ({ projectId }, ingestionId) => ingestionStream.name({ projectId, ingestionId }),
    run: async (context) => {
      const { rootId } = context.run
      // One after the other, for the ingestions of a line are of one project.
      deps.atWork.add(rootId)
      try {
        await ingest(deps, context)
      } finally {
        deps.atWork.delete(rootId)
      }
    },
    ended: (run, outcome) => tellEnd(deps, run, outcome),
  })
}

async function ingest(deps: IngestionRunDeps, context: RunContext<IngestionInput>): Promise<void> {
  const { services, ingestions } = deps
  const { log, clock } = services
  const { run, input } = context
  const { state } = await log.state(ingestionStream, run.stream)
  const emitter = new IngestionEventEmitter({ context, log, store: ingestions, clock, state })
  const world = phaseWorld(deps, context, emitter)
  try {
    await context.step(`started:${run.id}`, async (step) => step.write(...tellStart(deps, run)))
    await discardEarlier(deps, run)
    await discover(world)
    await extract(world)
    await chunk(world)
    await indexPassages(world)
    // Before the end is told: a retry, which shares the folder, may begin the moment it is.
    await discardDocuments(deps, run.id, run.rootId)
    await emitter.emitComplete(input.projectId, await resultOf(deps, run))
  } catch (error) {
    const { state: reached } = await log.state(ingestionStream, run.stream)
    await endWithError(deps, context, emitter, reached, error)
  }
}

/** What was extracted has served once its passages stand; never fails, since nobody waits for the room. */
async function discardDocuments({ services, dataDir }: IngestionRunDeps, ingestion: string, rootId: string) {
  try {
    await rm(join(workDir(dataDir, rootId), 'documents'), { recursive: true, force: true })
  } catch (err) {
    services.logger.warn({ err, ingestion }, 'extracted texts could not be removed')
  }
}

function phaseWorld(
  deps: IngestionRunDeps,
  context: RunContext<IngestionInput>,
  emitter: IngestionEventEmitter,
): PhaseWorld {
  const { services, files, parser, sources, search } = deps
  const { run, input } = context
  const { projectId, sourceKey } = input
  return {
    context,
    emitter,
    identity: { projectId, sourceKey, ingestionId: run.id, rootId: run.rootId },
    files,
    parser,
    sources,
    search,
    clock: services.clock,
    newId: services.newId,
    workDir: workDir(deps.dataDir, run.rootId),
  }
}

/** A line of retries' own folder: its downloads, and the extracted texts on their way to passages. */
function workDir(dataDir: string, rootId: string): string {
  return join(dataDir, 'ingestions', rootId)
}

/** What earlier ingestions of the same source left on disk serves nobody once this one looks at the source anew. */
async function discardEarlier(deps: IngestionRunDeps, run: Run<IngestionInput>) {
  const { ingestions, sources, dataDir } = deps
  const { projectId, source, sourceKey } = run.input
  for (const rootId of await ingestions.earlierRoots(projectId, sourceKey, run.rootId)) {
    await discardDocuments(deps, run.id, rootId)
    // The files of earlier uploads are still the source's.
    if (source.kind === 'upload') continue
    await sources.discard(source, sourceDir({ workDir: workDir(dataDir, rootId) }))
    await rm(workDir(dataDir, rootId), { recursive: true, force: true })
  }
}

/** An error of the ingestion itself ends it here, with its phase; anything else is the engine's to settle. */
async function endWithError(
  deps: IngestionRunDeps,
  context: RunContext<IngestionInput>,
  emitter: IngestionEventEmitter,
  reached: IngestionState,
  error: unknown,
): Promise<void> {
  const { projectId } = context.input
  const ours = error instanceof HoldfastError ? error : null
  const settled =
    context.signal.aborted || ours?.code === 'FENCED' || ERRORS[ours?.code ?? 'INTERNAL_ERROR'].kind === 'unavailable'
  if (settled) {
    await emitter.close(projectId).catch(() => {})
    throw error
  }
  deps.services.logger.warn({ err: error, ingestion: context.run.id }, 'an ingestion failed')
  const code: ErrorCode = ours?.code ?? 'INTERNAL_ERROR'
  const phase = reached.currentPhase === 0 ? 1 : reached.currentPhase
  await emitter.emitError(projectId, phase, {
    errorCode: code,
    message: ours?.message ?? ERRORS.INTERNAL_ERROR.title,
    recoverable: true,
    retryOptions: { scopes: ['all'], ...(ours?.retryAfter === undefined ? {} : { after: ours.retryAfter }) },
  })
}

async function resultOf({ files, services }: IngestionRunDeps, run: Run): Promise<IngestionResult> {
  const counts = await files.counts(run.id)
  const { done, failed, skipped } = counts.byStatus
  return {
    ingestionId: run.id,
    files: { total: counts.total, done: done.files, failed: failed.files, skipped: skipped.files },
    bytes: counts.bytes,
    chunks: counts.chunks,
    seconds: Math.round((services.clock.now() - (run.startedAt ?? run.createdAt)) / 100) / 10,
  }
}

function tellStart({ services, ingestions }: IngestionRunDeps, run: Run<IngestionInput>): Write[] {
  const { log, clock } = services
  const { projectId } = run.input
  const started = { type: 'ingestion_started', ingestionId: run.id } as const
  return [
    ingestions.started(run.id, clock.now()),
    log.appendEvents(projectStream, { projectId }, [started]),
    log.appendEvents(projectsStream, {}, [{ ...started, projectId }]),
  ]
}

/** The end, told everywhere it is looked for, in the commit that ends the run. */
async function tellEnd(deps: IngestionRunDeps, run: Run<IngestionInput>, outcome: Outcome): Promise<Write[]> {
  const { log, clock } = deps.services
  const { projectId } = run.input
  const { state } = await log.state(ingestionStream, run.stream)
  const { status } = outcome
  const percent = status === 'done' ? 100 : overallPercent(state)
  const result = status === 'done' ? IngestionResult.parse(outcome.result) : null
  const error = errorOf(outcome, state.currentPhase === 0 ? 1 : state.currentPhase)
  const terminal = result
    ? ({ type: 'ingestion_complete', result } as const)
    : error && ({ type: 'error', ...error } as const)
  const ended = { type: 'ingestion_ended', ingestionId: run.id, status } as const
  return [
    ...(terminal ? [log.appendEvents(ingestionStream, { projectId, ingestionId: run.id }, [terminal])] : []),
    deps.ingestions.ended(run.id, { status, percent, result, error, metrics: state.metrics }, clock.now()),
    log.appendEvents(projectStream, { projectId }, [ended]),
    log.appendEvents(projectsStream, {}, [{ ...ended, projectId }]),
  ]
}

function errorOf(outcome: Outcome, phase: Phase): IngestionError | null {
  const retryOptions: IngestionError['retryOptions'] = { scopes: ['all'] }
  switch (outcome.status) {
    case 'done':
      return null
    case 'cancelled':
      return { phase, errorCode: 'CANCELLED', message: 'It was cancelled.', recoverable: true, retryOptions }
    case 'failed': {
      const { code, message, data } = outcome.error
      return (
        (data as IngestionError | undefined) ?? { phase, errorCode: code, message, recoverable: true, retryOptions }
      )
    }
  }
}
