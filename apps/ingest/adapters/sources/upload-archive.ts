import type { Write } from '@holdfast/server'

/** How far bringing an upload is. */
export interface BringOptions {
  signal: AbortSignal
  /** Told of each file that is here, with the bytes so far. */
  onFile: (file: { path: string; files: number; bytes: number }) => void
}

/** What an upload consists of, its rules files not counted among the files. */
export interface UploadSize {
  files: number
  bytes: number
}

/** Takes in one upload, file by file, in pieces, so that memory does not grow with them. */
export interface ArchiveWriter {
  /** Takes in a file of this machine; `name` is where it stands in the upload, with `/`. One call at a time. */
  add(name: string, file: string): Promise<void>
  /** When this resolves every node can bring the upload. Until then, and where anything was rejected, it is none. */
  commit(size: UploadSize): Promise<void>
}

/**
 * Where uploads stand for all nodes: the folder a node keeps of one is its own copy, and may be gone. There is none
 * where one node alone has the store, and its DATA_DIR with it.
 */
export interface UploadArchive {
  /** Begins to take an upload in, in place of what there is of it. */
  open(uploadId: string): Promise<ArchiveWriter>
  /** Whether it is there, and whole. */
  has(uploadId: string): Promise<boolean>
  /**
   * Writes its files below `folder`, which is empty, and answers what they are; `null` where there is no such upload.
   * Rejects with the signal's reason, STORAGE_FULL, UNAVAILABLE; the folder is not whole then.
   */
  bring(uploadId: string, folder: string, options: BringOptions): Promise<UploadSize | null>
  /** Harmless where there is none. */
  remove(uploadId: string): Promise<void>
  /** Committed with an ingestion of the upload, which fails with NOT_FOUND where it is not there, and whole. */
  claim(uploadId: string): Write
  /** Removes what nobody has written to for a day and no ingestion has claimed: its sender or its node went away. */
  sweep(): Promise<void>
}
