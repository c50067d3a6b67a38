import { RequestError } from '@holdfast/client'
import type { AcceptedView } from '../view.ts'
import type { LocalFile } from './dropped-files.ts'

export interface UploadProgress {
  bytesDone: number
  bytesTotal: number
}

/**
 * Sends files as one multipart request, each named by its path. XMLHttpRequest, because `fetch` does not tell how much
 * was sent. Rejects with RequestError, or with the signal's reason.
 */
export function upload(
  path: string,
  files: LocalFile[],
  signal: AbortSignal,
  onProgress: (progress: UploadProgress) => void,
): Promise<AcceptedView> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', path)
    request.upload.onprogress = (event) => onProgress({ bytesDone: event.loaded, bytesTotal: event.total })
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as AcceptedView)
      else reject(RequestError.fromBody(request.status, request.responseText))
    }
    request.onerror = () => reject(RequestError.unreachable())
    request.onabort = () => reject(signal.reason)
    signal.addEventListener('abort', () => request.abort(), { once: true })
    const body = new FormData()
    for (const { path: name, file } of files) body.append('files', file, name)
    request.send(body)
  })
}
