import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { Busboy, type BusboyFileStream, type BusboyHeaders } from '@fastify/busboy'
import { HoldfastError } from '@holdfast/protocol'
import type { Upload } from './ports.ts'

/** A request with its body still to come. */
export type UploadRequest = Readable & { headers: IncomingHttpHeaders }

type Parser = InstanceType<typeof Busboy>

const MALFORMED = 'The body is not whole or not multipart/form-data as RFC 7578 has it.'
const FIELD = 'An upload holds files and nothing else: one of its parts has no file name.'

/**
 * Streams the files of a multipart body into `upload`, one after the other, each in the pace of the disk. Nothing is
 * kept of what was stored, and the body is not read ahead of it by more than one piece. Rejects with INVALID_INPUT for
 * a body that is cut off, malformed or has form fields, and with what `upload.add` threw; nothing is being stored any
 * more then, and the rest of the body is left unread.
 */
export async function receiveFiles(request: UploadRequest, upload: Upload): Promise<void> {
  const body = new MultipartBody(request.headers, upload)
  try {
    // The answer goes out on the same socket, so the end of this loop must not destroy it.
    for await (const piece of request.iterator({ destroyOnReturn: false })) await body.take(piece)
    await body.end()
  } catch (error) {
    throw error instanceof HoldfastError || !isOfTheBody(request, error) ? error : malformed(error)
  } finally {
    await body.close()
  }
}

class MultipartBody {
  readonly #parser: Parser
  readonly #upload: Upload
  /** Files the parser has begun that are not stored yet. */
  readonly #open = new Set<BusboyFileStream>()
  /** Settled when every file begun so far is stored, and when every one before the newest is. */
  #stored: Promise<void> = Promise.resolve()
  #storedBefore: Promise<void> = Promise.resolve()
  #failure: { error: unknown } | null = null
  #onFailure: (error: unknown) => void = () => {}

  constructor(headers: IncomingHttpHeaders, upload: Upload) {
    this.#upload = upload
    this.#parser = openParser(headers)
    this.#parser.on('file', (_field, file, name) => this.#begin(file, name))
    this.#parser.on('fieldsLimit', () => this.#fail(new HoldfastError('INVALID_INPUT', FIELD)))
    this.#parser.on('error', (error) => this.#fail(malformed(error)))
  }

  /** Takes a piece of the body in; resolves when all of it is stored but what belongs to a file that goes on. */
  async take(piece: Buffer): Promise<void> {
    await this.#until((done) => this.#parser.write(piece, () => done()))
    // A piece may hold hundreds of small files, for which the parser itself does not wait.
    await this.#until((done) => void this.#storedBefore.then(done))
  }

  async end(): Promise<void> {
    await this.#until((done) => {
      this.#parser.once('finish', done)
      this.#parser.end()
    })
    await this.#until((done) => void this.#stored.then(done))
  }

  /** Lets go of files that will not come to their end, and waits until nothing is being stored. */
  async close(): Promise<void> {
    this.#failure ??= { error: malformed(null) }
    for (const file of this.#open) file.destroy(new Error('the upload ended before this file did'))
    await this.#stored
  }

  #begin(file: BusboyFileStream, name: string): void {
    this.#open.add(file)
    file.on('error', (error: Error) => {
      this.#fail(malformed(error))
      file.destroy(error)
    })
    this.#storedBefore = this.#stored
    this.#stored = this.#stored.then(() => this.#store(file, name))
  }

  /** Never rejects: a failure is kept, and nothing is stored after it. */
  async #store(file: BusboyFileStream, name: string | undefined): Promise<void> {
    try {
      if (this.#failure) file.destroy()
      else if (name === undefined) throw new HoldfastError('INVALID_INPUT', FIELD)
      else await this.#upload.add(name, file)
    } catch (error) {
      this.#fail(error)
    }
    this.#open.delete(file)
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#onFailure(this.#failure.error)
  }

  /** Resolves when `start` says it is done, rejects as soon as anything fails. */
  #until(start: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onFailure = reject
      if (this.#failure) reject(this.#failure.error)
      else start(resolve)
    })
  }
}

function openParser(headers: IncomingHttpHeaders): Parser {
  try {
    // The upload has caps of its own for files; the parser's would cut them off without a word.
    return new Busboy({ headers: headers as BusboyHeaders, preservePath: true, limits: { fields: 0, headerPairs: 50 } })
  } catch (error) {
    throw malformed(error)
  }
}

/** Whether reading the body threw it: a sender that went away, or an error without a code of the system's. */
function isOfTheBody(request: UploadRequest, error: unknown): boolean {
  return request.errored === error || (error instanceof Error && !('code' in error))
}

function malformed(cause: unknown): HoldfastError {
  return new HoldfastError('INVALID_INPUT', MALFORMED, { cause })
}
