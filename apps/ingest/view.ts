import type { Offset } from '@holdfast/protocol'
import type { IngestionError, IngestionResult, IngestionStatus, Phase, PhaseMetrics, PhaseState } from './streams.ts'

/** What the HTTP interface answers, and the words people read for it. Browser-safe; page and terminal share it. */

export interface SourceView {
  kind: 'upload' | 'path' | 'url' | 'sitemap' | 'repository'
  /** For people: a folder's name, a URL, `owner/name@ref`, `12 files`. */
  label: string
}

/** One ingestion as lists show it. */
export interface IngestionView {
  ingestionId: string
  projectId: string
  source: SourceView
  status: IngestionStatus
  currentPhase: 0 | Phase
  /** Of the whole ingestion, 0 to 100: the four phases weighted. */
  progressPercent: number
  metrics: PhaseMetrics | null
  result: IngestionResult | null
  error: IngestionError | null
  /** The ingestion this one tries again. */
  retryOf: string | null
  createdAt: string
  startedAt: string | null
  updatedAt: string
  completedAt: string | null
}

/** `GET /api/projects/:id/progress`. Idle: no ingestion yet, everything else is null or empty then. */
export interface ProgressView
  extends Omit<IngestionView, 'ingestionId' | 'source' | 'status' | 'createdAt' | 'updatedAt'> {
  ingestionId: string | null
  source: SourceView | null
  status: IngestionStatus | 'idle'
  phases: PhaseState[]
  createdAt: string | null
  updatedAt: string | null
  /** Where live reading goes on: `WebSocket /api/projects/:id/progress?offset=` */
  offset: Offset | null
  /** The ingestion's stream, for the readers of `/v1/stream/<name>`. */
  stream: string | null
}

/** The progress of a project that was never asked to ingest anything. */
export const IDLE_PROGRESS: Omit<ProgressView, 'projectId'> = {
  ingestionId: null,
  source: null,
  status: 'idle',
  currentPhase: 0,
  progressPercent: 0,
  phases: [],
  metrics: null,
  result: null,
  error: null,
  retryOf: null,
  createdAt: null,
  startedAt: null,
  updatedAt: null,
  completedAt: null,
  offset: null,
  stream: null,
}

export interface ProjectView {
  id: string
  name: string
  createdAt: string
  /** Files and passages that can be searched now. */
  files: number
  chunks: number
  /** The ingestion in view: the one that works, else the newest. */
  ingestion: IngestionView | null
}

/** How a project's ingestion in view is; `idle` while there is none. */
export type ProjectStatus = IngestionStatus | 'idle'

/** Orders of the list of projects: made last first, by name, moved last first. */
export const PROJECT_SORTS = ['newest', 'name', 'active'] as const
export type ProjectSort = (typeof PROJECT_SORTS)[number]

/** `GET /api/projects`: a page, and how many match by status (the filter's own status left out). */
export interface ProjectsPage extends Page<ProjectView> {
  groups: { status: ProjectStatus; projects: number }[]
}

/** An ingestion among others of several projects. */
export interface WatchedView extends IngestionView {
  projectName: string
}

/**
 * Why a file did not become passages. Stable: shown to people, used in filters, documented in the README.
 * The `skipped` ones are no fault of anybody's; the `failed` ones want somebody's attention.
 */
export const FILE_CODES = {
  UNCHANGED: { status: 'skipped', reason: 'Unchanged since it was last ingested.' },
  UNSUPPORTED_TYPE: { status: 'skipped', reason: 'Not a kind of file that text can be read from.' },
  EMPTY: { status: 'skipped', reason: 'There is no text in it.' },
  LINK_OUTSIDE: { status: 'skipped', reason: 'A link that leads out of the folder.' },
  LINK_CYCLE: { status: 'skipped', reason: 'A link that leads back to a folder above it.' },
  SPECIAL_FILE: { status: 'skipped', reason: 'Not a regular file.' },
  TOO_LARGE: { status: 'failed', reason: 'Larger than what is read from one file.' },
  UNREADABLE: { status: 'failed', reason: 'It could not be opened for reading.' },
  VANISHED: { status: 'failed', reason: 'It was there and then was gone.' },
  NEEDS_OCR: { status: 'failed', reason: 'Its pages are pictures: there is no text to read without OCR.' },
  ENCRYPTED: { status: 'failed', reason: 'It is protected by a password.' },
  CORRUPT: { status: 'failed', reason: 'It is damaged and cannot be read.' },
  ZIP_BOMB: { status: 'failed', reason: 'It would unpack to far more than its size allows.' },
  TIMEOUT: { status: 'failed', reason: 'Reading it took longer than allowed.' },
  MEMORY_LIMIT: { status: 'failed', reason: 'Reading it took more memory than allowed.' },
  PARSER_CRASHED: { status: 'failed', reason: 'The program that reads such files failed on it.' },
  DOWNLOAD_FAILED: { status: 'failed', reason: 'It could not be downloaded.' },
} as const satisfies Record<string, { status: 'skipped' | 'failed'; reason: string }>
export type FileCode = keyof typeof FILE_CODES

export type FileStatus = 'found' | 'extracted' | 'chunked' | 'done' | 'skipped' | 'failed'

export interface FileView {
  id: string
  path: string
  /** `null` where it was never looked into. */
  type: string | null
  size: number
  status: FileStatus
  /** A code of FILE_CODES for skipped and failed files. */
  code: string | null
  reason: string | null
  pages: number | null
  chunks: number
  ingestionId: string
  updatedAt: string
}

/** Orders of the files' table; with a dash the other way round. */
export const FILE_SORTS = ['path', '-path', 'size', '-size', 'passages', '-passages', 'updated', '-updated'] as const
export type FileSort = (typeof FILE_SORTS)[number]

/** One file with all that is known of it. */
export interface FileDetailView extends FileView {
  title: string | null
  /** The phase its status is of. */
  phase: Phase
  /** Where it came from. */
  source: SourceView
}

/** A passage of a file, with its place in it. */
export interface PassageView {
  ordinal: number
  text: string
  page: number | null
  lineStart: number
  lineEnd: number
  headings: string[]
}

/** A page of a list: pass `next` back as `?cursor=`; `null` is the end. */
export interface Page<T> {
  items: T[]
  next: string | null
  /** How many there are in all with the same filter. */
  total: number
}

/** How many files have one status for one reason. */
export interface FileGroup {
  status: FileStatus
  code: string | null
  files: number
}

/** `GET /api/projects/:id/files`: a page, and all files that match by status and code (those two filters left out). */
export interface FilesPage extends Page<FileView> {
  groups: FileGroup[]
}

export interface SearchHitView {
  fileId: string
  path: string
  type: string
  page: number | null
  lineStart: number
  lineEnd: number
  /** Span in the file's extracted text, UTF-16 code units. */
  start: number
  end: number
  headings: string[]
  text: string
  /** Spans of `text` that match. */
  highlights: [number, number][]
  score: number
}

/** `202 Accepted` of a set of files to be tried again: one ingestion for each source they come from. */
export interface RetriedView {
  /** How many files that is in all. */
  files: number
  retries: (AcceptedView & { files: number })[]
}

/** `202 Accepted` of a new ingestion or a retry. */
export interface AcceptedView {
  ingestionId: string
  progressUrl: string
  websocketUrl: string
}

/** How much of the whole each phase is, in percent; they add up to 100. */
export const PHASE_WEIGHTS = [10, 50, 20, 20] as const

/** Percent of the whole ingestion, from the percent of its phases. */
export function overallPercent(state: {
  status: IngestionStatus
  phases: readonly Pick<PhaseState, 'percent'>[]
}): number {
  if (state.status === 'done') return 100
  const sum = PHASE_WEIGHTS.reduce(
    (total, weight, index) => total + (weight * (state.phases[index]?.percent ?? 0)) / 100,
    0,
  )
  return Math.round(sum * 10) / 10
}

/** Seconds as people say them: `4 s`, `1 m 04 s`, `2 h 05 m`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, '0')} s`
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} m`
}

/** How long something took: `less than 1 s`, else as formatDuration says it. */
export function formatTook(seconds: number): string {
  return seconds < 1 ? 'less than 1 s' : formatDuration(seconds)
}

/** Bytes with a unit of thousands: `640 B`, `1.2 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes / 1000
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** Whole numbers with thin grouping: `12 480`. */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, '\u2009')
}
