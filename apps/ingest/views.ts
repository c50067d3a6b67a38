import type { Offset } from '@holdfast/protocol'
import type { FileRow } from './file-store.ts'
import type { IngestionRow } from './ingestion-store.ts'
import { FILE_CODES, type FileCode, type Source } from './ports.ts'
import type { ProjectRow } from './project-store.ts'
import type { IngestionState, IngestionStatus, Phase } from './streams.ts'
import type { ChunksTable } from './tables.ts'
import {
  type FileDetailView,
  type FileStatus,
  type FileView,
  IDLE_PROGRESS,
  type IngestionView,
  overallPercent,
  type PassageView,
  type ProgressView,
  type ProjectView,
  type SourceView,
} from './view.ts'

/** Rows and states, as the HTTP interface shows them. */

export function projectView(row: ProjectRow, ingestion: IngestionView | null): ProjectView {
  const { id, name, files, chunks } = row
  return { id, name, createdAt: iso(row.created_at), files, chunks, ingestion }
}

/** `state` is given while the ingestion goes on; afterwards the row has everything. */
export function ingestionView(row: IngestionRow, state: IngestionState | null): IngestionView {
  return {
    ingestionId: row.ingestion_id,
    projectId: row.project_id,
    source: sourceView(JSON.parse(row.source)),
    status: state && state.status !== 'queued' ? state.status : (row.status as IngestionStatus),
    currentPhase: state?.currentPhase ?? (row.current_phase as 0 | Phase),
    progressPercent: state ? overallPercent(state) : row.progress_percent,
    metrics: state?.metrics ?? parse(row.metrics),
    result: state?.result ?? parse(row.result),
    error: state?.error ?? parse(row.error),
    retryOf: row.retry_of,
    createdAt: iso(row.created_at),
    startedAt: row.started_at === null ? null : iso(row.started_at),
    updatedAt: state?.updatedAt ?? iso(row.updated_at),
    completedAt: state?.completedAt ?? (row.completed_at === null ? null : iso(row.completed_at)),
  }
}

export function progressView(
  projectId: string,
  row: IngestionRow | null,
  live: { state: IngestionState; offset: Offset; stream: string } | null,
): ProgressView {
  if (!row || !live) return { ...IDLE_PROGRESS, projectId }
  const { state, offset, stream } = live
  const view = ingestionView(row, state)
  return {
    ...view,
    // What the stream has told counts, so that state and offset are of one moment.
    status: state.status === 'queued' ? view.status : state.status,
    result: state.result,
    error: state.error,
    completedAt: state.completedAt,
    phases: state.phases,
    offset,
    stream,
  }
}

export function fileView(row: FileRow): FileView {
  const code = row.code as FileCode | null
  const reason = code === null ? null : [FILE_CODES[code].reason, row.detail].filter(Boolean).join(' ')
  return {
    id: row.id,
    path: row.path,
    type: row.type,
    size: row.size,
    status: row.status as FileStatus,
    code,
    reason,
    pages: row.pages,
    chunks: row.chunks,
    ingestionId: row.ingestion_id,
    updatedAt: iso(row.updated_at),
  }
}

export function fileDetailView(row: FileRow, source: Source): FileDetailView {
  return { ...fileView(row), title: row.title, phase: row.phase as Phase, source: sourceView(source) }
}

export function passageView({ ordinal, text, page, line_start, line_end, path }: ChunksTable): PassageView {
  return { ordinal, text, page, lineStart: line_start, lineEnd: line_end, headings: JSON.parse(path) }
}

function sourceView(source: Source): SourceView {
  switch (source.kind) {
    case 'upload':
      return { kind: source.kind, label: source.files === 1 ? '1 file' : `${source.files} files` }
    case 'path':
      return { kind: source.kind, label: source.path }
    case 'url':
    case 'sitemap':
      return { kind: source.kind, label: source.url }
    case 'repository':
      return { kind: source.kind, label: source.ref ? `${source.repository}@${source.ref}` : source.repository }
  }
}

function parse(json: string | null) {
  return json === null ? null : JSON.parse(json)
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
