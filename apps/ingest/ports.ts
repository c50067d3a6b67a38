import type { Readable } from 'node:stream'
import type { Write } from '@holdfast/server'
import type { FileCode } from './view.ts'

// They stand with the words for the page, which may not import from here.
export { FILE_CODES, type FileCode } from './view.ts'

/** What a file is, by its content first and its name second. */
export type FileType = 'pdf' | 'docx' | 'html' | 'markdown' | 'text' | 'code'

/** A file that will not become passages, and why: `detail` adds what exactly, in plain words. */
export interface Rejection {
  rejected: FileCode
  detail?: string
}

/** What one look at a file's bytes tells. */
export interface Probe {
  type: FileType
  /** Bytes. */
  size: number
  /** SHA-256 of the content, hex. */
  sha256: string
}

/** What extraction wrote to its output file, told in numbers. */
export interface Extraction {
  /** UTF-16 code units of text. */
  characters: number
  /** Pages, for formats that have them. */
  pages: number | null
  title: string | null
}

/**
 * The text of one file with what citations need; written as JSON to the extraction's output file. Every position
 * is a count of UTF-16 code units into `text`. For Markdown, plain text and source code `text` is the file itself
 * (decoded), so that spans are spans of the source; for PDF, DOCX and HTML it is the text read out of it.
 */
export interface ExtractedDocument {
  /** The extractor's version; another one is extracted anew. */
  version: number
  type: FileType
  /** Programming language of source code, in lower case (`typescript`, `python`, …). */
  language: string | null
  title: string | null
  text: string
  pages: { number: number; start: number; end: number }[]
  headings: { level: number; title: string; start: number }[]
}

/** A passage: small enough to be quoted, with its place in the source. */
export interface Chunk {
  /** Counted from 0 within its file. */
  ordinal: number
  text: string
  /** Span in the document's text, UTF-16 code units, end exclusive: `document.text.slice(start, end) === text`. */
  start: number
  end: number
  /** First page it stands on, counted from 1; for formats with pages. */
  page: number | null
  /** Lines of the document's text it stands on, counted from 1. */
  lineStart: number
  lineEnd: number
  /** Headings above it, outermost first, or the code symbol it belongs to (`['class Hub', 'subscribe()']`). */
  path: string[]
}

/**
 * Reads files in processes apart from the server, under caps of time and memory. Whatever a file does, the answer
 * is a value or a rejection with a code. The promise rejects only for what is no fault of the file: an abort (the
 * signal's reason), an error of `onBatch` (that error), an output that cannot be written (STORAGE_FULL, INTERNAL_ERROR)
 * and a closed parser (UNAVAILABLE).
 */
export interface Parser {
  /** Type, size and hash. A file over the size cap is rejected without being read whole. */
  probe(file: string, signal: AbortSignal): Promise<Probe | Rejection>
  /** Extracts the text of `file` into `output` (written whole or not at all; an `ExtractedDocument` as JSON). */
  extract(file: string, type: FileType, output: string, signal: AbortSignal): Promise<Extraction | Rejection>
  /** Cuts an extracted document into passages; batches of at most 200, in order. */
  chunk(document: string, onBatch: (chunks: Chunk[]) => Promise<void>, signal: AbortSignal): Promise<number | Rejection>
  /** Version of extraction and chunking together: content ingested by another version is ingested anew. */
  readonly version: string
  /** How many files it reads at the same time; more calls wait. */
  readonly concurrency: number
  close(): Promise<void>
}

/** Where an ingestion's files come from, as its caller names it. */
export type Source =
  | { kind: 'upload' /** Names the uploaded files, on every node. */; uploadId: string; files: number }
  | { kind: 'path'; path: string }
  | { kind: 'url'; url: string }
  | { kind: 'sitemap'; url: string }
  | { kind: 'repository'; repository: string /** Branch, tag or commit; absent = the default branch. */; ref?: string }

/** One entry found below a source's folder. */
export type FoundFile =
  | { path: string; absolutePath: string; size: number; modifiedAt: number }
  /** Found, but it will not be read; `path` is shown with the reason. */
  | ({ path: string } & Rejection)

export interface FetchProgress {
  /** Files fetched so far, and, once known, how many there will be. */
  files: number
  total: number | null
  bytes: number
  current: string | null
}

/** The ways files come in. */
export interface Sources {
  /**
   * Checks a source before anything is queued: the path exists under the allowed roots, the URL is one we fetch.
   * Throws INVALID_INPUT, PATH_NOT_ALLOWED or NOT_FOUND; touches no network.
   */
  validate(source: Source): Promise<Source>
  /**
   * Brings a source's files to a folder of this machine and returns it. For paths that is where they are, for uploads
   * where this node keeps them; for URLs, sitemaps and repositories they are downloaded into `workDir`. May be called again after a
   * crash with the same folder: what is there already is kept or replaced, never doubled. Files that could not be
   * downloaded are returned as rejections; a source that cannot be reached at all throws SOURCE_UNREACHABLE.
   */
  fetch(
    source: Source,
    workDir: string,
    options: { signal: AbortSignal; onProgress: (progress: FetchProgress) => void },
  ): Promise<{ root: string; rejected: FoundFile[] }>
  /**
   * Walks a folder in a stable order (byte order of the path), respecting every .gitignore on the way, leaving out
   * `.git`, dot files and whatever lies in DATA_DIR. Links are followed only to files inside the folder; cycles end
   * as a rejection. Memory does not grow with the number of files beyond one folder's entries.
   */
  walk(root: string, signal: AbortSignal): AsyncIterable<FoundFile>
  /**
   * Whether one file, found by an earlier walk of this source, may still be read where it stood: `null`, or why not.
   * A file can have become a link, and the allowed folders can have become fewer.
   */
  recheck(source: Source, absolutePath: string): Promise<Rejection | null>
  /** Stores one upload: files arrive one after the other, streamed to disk. Discard removes what was stored. */
  openUpload(uploadId: string): Promise<Upload>
  /** What to remember of a file found, so that every node knows which one it is. */
  placeOf(absolutePath: string): Promise<string>
  /** Where a remembered file stands on this machine, if it is here. */
  pathOf(place: string): string
  /**
   * Brings the file at `place`, which another node found, to this machine, as `fetch` would: with all of its upload, or
   * of its source. Throws what `fetch` throws where the source cannot be had; a file that is gone stays gone.
   */
  bring(source: Source, place: string, workDir: string, signal: AbortSignal): Promise<void>
  /**
   * To be committed with an ingestion of the source: what it needs is kept for it from then on. Fails that commit with
   * NOT_FOUND where an upload is no longer there.
   */
  claim(source: Source): Write[]
  /** Frees what `fetch` left on this machine's disk, and an upload on all of them. */
  discard(source: Source, workDir: string): Promise<void>
  /** Frees this machine's copy of an upload where there is another to bring it back from; otherwise nothing. */
  release(uploadId: string): Promise<void>
}

/** An upload being received. */
export interface Upload {
  /**
   * Streams one file to disk. `name` may hold folders (`docs/guide/a.md`); a name that leads out of the upload, is
   * absolute or too long throws INVALID_INPUT. Throws TOO_LARGE over the cap, STORAGE_FULL when the disk is.
   */
  add(name: string, content: Readable): Promise<void>
  /** Files stored so far. */
  readonly files: number
  /** Makes it durable; after this it survives a crash, and every node can read it. */
  commit(): Promise<void>
  discard(): Promise<void>
}

/** A passage as the index takes it. */
export interface IndexedChunk {
  id: number
  text: string
  path: string[]
}

export interface SearchHit {
  chunkId: number
  /** Higher is better; comparable within one answer only. */
  score: number
  /** Where the passage's text matches: UTF-16 code units into it, end exclusive, in order. */
  highlights: [number, number][]
}

/** A file's passages, told in numbers; ids are never used twice, so equal extents are the same passages. */
export interface Extent {
  fileId: string
  passages: number
  /** Lowest and highest id. */
  first: number
  last: number
}

/** Commits writes, for instance under the fence of a run; rejects where nothing more may be written. */
export type Commit = (...writes: Write[]) => Promise<void>

/**
 * Full-text search over passages; rebuildable from the chunks table, so it promises no durability of its own. All nodes
 * on a store share one: what one of them put, all find at once.
 */
export interface SearchIndex {
  /** Adds or replaces passages that are stored; at most 50 at a time, so that no reader waits long. */
  put(projectId: string, fileId: string, chunks: IndexedChunk[]): Promise<void>
  /** Takes a file's passages out. Harmless where there are none. */
  remove(projectId: string, fileId: string): Promise<void>
  /**
   * The same, written by `commit` where the index stands in the store itself, in the order of the calls: under the
   * fence of a run, which changes nothing there once another node has taken it over.
   */
  through(commit: Commit): Pick<SearchIndex, 'put' | 'remove'>
  /**
   * Best passages first. Words must all match, failing that any of them; `"exact phrase"` is kept together. A query
   * without a word gives no hits. Never throws on what a person typed.
   */
  search(projectId: string, query: string, options: { limit: number; offset: number }): Promise<SearchHit[]>
  /** How many passages are indexed, over all projects: 0 in a fresh index. */
  size(): Promise<number>
  /** Which passages of these files are indexed; a file that has none is left out. */
  extents(fileIds: readonly string[]): Promise<Extent[]>
  /**
   * Puts a file's passages back, in place of what is there of it. What was removed from the store meanwhile, or put
   * anew, is not brought back.
   */
  restore(projectId: string, fileId: string, batches: AsyncIterable<IndexedChunk[]>): Promise<void>
  /** Nothing more will be restored: what `restore` has to know needs not be kept any longer. */
  restored(): void
  close(): Promise<void>
}
