import { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { Upload } from './ports.ts'
import { receiveFiles, type UploadRequest } from './receive-files.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const MULTIPART = { 'content-type': 'multipart/form-data; boundary=b' }
const PIECE = 65_536

const file = (name: string, content: string) =>
  `--b\r\ncontent-disposition: form-data; name="f"; filename="${name}"\r\n\r\n${content}\r\n`
const field = (content: string) => `--b\r\ncontent-disposition: form-data; name="note"\r\n\r\n${content}\r\n`

/** A request whose body is these parts, sent in pieces as they come from a socket. */
function sent(parts: Iterable<string>, onPiece: () => void = () => {}): UploadRequest {
  function* pieces() {
    let rest = ''
    for (const part of parts) {
      rest += part
      while (rest.length >= PIECE) {
        onPiece()
        yield Buffer.from(rest.slice(0, PIECE))
        rest = rest.slice(PIECE)
      }
    }
    yield Buffer.from(rest)
  }
  return Object.assign(Readable.from(pieces(), { objectMode: false }), { headers: MULTIPART })
}

function* tinyFiles(count: number) {
  for (let n = 0; n < count; n += 1) yield file(`${n}.md`, 'words')
  yield '--b--\r\n'
}

/** Takes every file in slowly: one turn of the event loop each. */
function slowUpload(onFile: (name: string, text: string) => void = () => {}): Upload {
  let files = 0
  return {
    async add(name, content) {
      let text = ''
      for await (const piece of content) text += piece
      await new Promise((resolve) => setImmediate(resolve))
      files += 1
      onFile(name, text)
    },
    get files() {
      return files
    },
    commit: async () => {},
    discard: async () => {},
  }
}

describe('Receiving files', () => {
  it('[ING12] keeps nothing of 20,000 small ones, and reads no further than they are stored', {
    timeout: 60_000,
  }, async () => {
    let pieces = 0
    let most = 0
    let ahead = 0
    const perPiece = PIECE / file('10000.md', 'words').length
    collect()
    const before = process.memoryUsage().heapUsed
    const upload = slowUpload(() => {
      ahead = Math.max(ahead, pieces - upload.files / perPiece)
      if (upload.files % 4_000 !== 0) return
      collect()
      most = Math.max(most, process.memoryUsage().heapUsed - before)
    })
    await receiveFiles(
      sent(tinyFiles(20_000), () => {
        pieces += 1
      }),
      upload,
    )
    expect(upload.files).toBe(20_000)
    // The piece at work and those the stream itself holds ready.
    expect(ahead).toBeLessThan(5)
    expect(most).toBeLessThan(10_000_000)
  })

  it('[ING12] gives every file whole, in order, wherever the pieces end', async () => {
    const contents = Array.from({ length: 60 }, (_, n) => `${n} `.repeat((n * 977) % 40_000))
    const seen: string[] = []
    const parts = [...contents.map((content, n) => file(`docs/${n}.md`, content)), '--b--\r\n', 'an epilogue']
    await receiveFiles(
      sent(parts),
      slowUpload((name, text) => seen.push(`${name} ${text}`)),
    )
    expect(seen).toEqual(contents.map((content, n) => `docs/${n}.md ${content}`))
  })

  it('[ING12] refuses form fields, of any size and number, and takes none in', async () => {
    let pieces = 0
    function* fields() {
      for (let n = 0; n < 300; n += 1) yield field('x'.repeat(1_000_000))
      yield '--b--\r\n'
    }
    const receiving = receiveFiles(
      sent(fields(), () => {
        pieces += 1
      }),
      slowUpload(),
    )
    await expect(receiving).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(pieces).toBeLessThan(5)
    const unnamed = [
      '--b\r\ncontent-disposition: form-data; name="f"\r\ncontent-type: application/octet-stream\r\n\r\nx\r\n',
    ]
    await expect(receiveFiles(sent([...unnamed, '--b--\r\n']), slowUpload())).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  it('[ING12] refuses a body that is cut off at any place, or is none', async () => {
    const whole = `${file('a.md', 'some words')}${file('b.md', 'more words')}--b--\r\n`
    // All but the last line break, which senders may leave out.
    for (let end = 0; end < whole.length - 2; end += 1) {
      const receiving = receiveFiles(sent([whole.slice(0, end)]), slowUpload())
      await expect(receiving, whole.slice(0, end)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    const headless = Object.assign(Readable.from([Buffer.from('x')]), {
      headers: { 'content-type': 'multipart/form-data' },
    })
    await expect(receiveFiles(headless, slowUpload())).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('[ING12] stores nothing more once a file was refused, and leaves the rest unread', async () => {
    const names: string[] = []
    let pieces = 0
    const upload: Upload = {
      ...slowUpload(),
      async add(name, content) {
        names.push(name)
        for await (const _ of content);
        if (name === '5.md') throw new Error('no room')
      },
    }
    const request = sent(tinyFiles(20_000), () => {
      pieces += 1
    })
    await expect(receiveFiles(request, upload)).rejects.toThrow()
    expect(names).toEqual(['0.md', '1.md', '2.md', '3.md', '4.md', '5.md'])
    expect(pieces).toBeLessThan(5)
    expect(request.destroyed).toBe(false)
  })

  it('[ING12] rejects when its sender goes away, with nothing being stored any more', async () => {
    const request: UploadRequest = Object.assign(new Readable({ read() {} }), { headers: MULTIPART })
    request.push(`--b\r\ncontent-disposition: form-data; name="f"; filename="a.md"\r\n\r\nhalf of `)
    let storing = false
    const upload: Upload = {
      ...slowUpload(),
      async add(_name, content) {
        storing = true
        try {
          for await (const _ of content) request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
        } finally {
          storing = false
        }
      },
    }
    await expect(receiveFiles(request, upload)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(storing).toBe(false)
  })
})
