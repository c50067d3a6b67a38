import type { LinkConnection } from '@holdfast/client'
import type { IngestionEvent, IngestionResult, IngestionState } from '@holdfast/ingest/streams'
import type { FileGroup, FileView } from '@holdfast/ingest/view'
import type { Offset } from '@holdfast/protocol'

/** How an ingestion ended, as far as this command saw it. */
export interface Summary {
  ingestionId: string
  projectId: string
  projectName: string
  /** `left`: it goes on without being watched. */
  status: 'done' | 'failed' | 'cancelled' | 'left'
  exitCode: number
  result: IngestionResult | null
  error: IngestionState['error']
  /** Files that did not become passages, by status and code. */
  groups: FileGroup[]
}

export interface Beginning {
  label: string
  projectName: string
  serverUrl: string
  isOwnServer: boolean
  /** It was stopped before and goes on now. */
  isResumed: boolean
  /** An earlier ingestion of the project has not ended. */
  isBehind: boolean
}

/** What becomes of an ingestion that is watched no more. */
export interface Leaving {
  /** The server was this command's own, so it does not go on for now either. */
  isOwnServer: boolean
  serverUrl: string
  dataDir: string
  /** The ingestion's stream. */
  stream: string
}

/** Tells one ingestion to whoever watches: people on a terminal, people reading a log, or a program. */
export interface Report {
  begin(what: Beginning): void
  event(event: IngestionEvent, offset: Offset, state: IngestionState): void
  connection(connection: LinkConnection): void
  /** `failedFiles` are read as they are wanted: there may be very many. */
  end(summary: Summary, failedFiles: (group: FileGroup) => AsyncIterable<FileView>): Promise<void>
  /** Nobody watches any more. */
  left(summary: Summary, where: Leaving): void
  /** Leaves the terminal as it should be; harmless when called twice. */
  close(): void
}
