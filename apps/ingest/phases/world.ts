import { access } from 'node:fs/promises'
import type { Clock } from '@holdfast/protocol'
import type { RunContext, Write } from '@holdfast/server'
import type { IngestionEventEmitter } from '../emitter.ts'
import type { FileIdentity, FileRow, FileStore } from '../file-store.ts'
import type { Scope } from '../ingestion-store.ts'
import type { Parser, Rejection, SearchIndex, Source, Sources } from '../ports.ts'

export interface IngestionInput {
  projectId: string
  source: Source
  sourceKey: string
  scope: Scope
}

/** What the four phases of one attempt work with. */
export interface PhaseWorld {
  context: RunContext<IngestionInput>
  emitter: IngestionEventEmitter
  identity: FileIdentity
  files: FileStore
  parser: Parser
  sources: Sources
  /** What it is to write goes with a commit of this attempt, under its fence. */
  search: Pick<SearchIndex, 'through'>
  clock: Clock
  newId: () => string
  /** This line of retries' own folder: downloads and extracted documents, until the ingestion is done. */
  workDir: string
}

/** This line's downloads. */
export function sourceDir(world: Pick<PhaseWorld, 'workDir'>): string {
  return `${world.workDir}/source`
}

/** The extracted text of a file, between the phases. */
export function documentPath(world: PhaseWorld, fileId: string): string {
  return `${world.workDir}/documents/${fileId}.json`
}

/** What a file's passages are of: its content, read by this parser. */
export function contentOf(sha256: string | null, parser: Parser): string {
  return `${sha256} ${parser.version}`
}

/** What ends a file with a code: its earlier passages go, since they are of a content it no longer has. */
export async function rejectFile(
  world: PhaseWorld,
  row: FileRow,
  phase: number,
  rejection: Rejection,
): Promise<Write[]> {
  const { files, clock } = world
  const writes = await takeOut(world, row)
  return [...writes, files.removeChunks(row.id), files.reject(row, phase, rejection, clock.now())]
}

/** Takes a file's passages out of the index, and answers what of that is to be committed with what comes of it. */
export async function takeOut({ search }: PhaseWorld, row: Pick<FileRow, 'project_id' | 'id'>): Promise<Write[]> {
  const waiting: Write[] = []
  await search.through(async (...writes) => void waiting.push(...writes)).remove(row.project_id, row.id)
  return waiting
}

/**
 * Runs `work` over the items, at most `width` at a time, in order of their start. The first failure ends it: nothing
 * more is started, what runs is waited for, then it is thrown. A failure of the items themselves is one like any other.
 */
export async function each<T>(
  items: AsyncIterable<T>,
  width: number,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  try {
    for await (const item of items) {
      if (signal.aborted || failures.length > 0) break
      const task = work(item)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => running.delete(task))
      running.add(task)
      if (running.size >= width) await Promise.race(running)
    }
  } catch (error) {
    failures.push(error)
  }
  await Promise.all(running)
  signal.throwIfAborted()
  if (failures.length > 0) throw failures[0]
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
