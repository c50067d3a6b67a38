import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { HoldfastError } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  makeDocx,
  makeEncryptedDocx,
  makePdf,
  makePng,
  makeRawDocx,
  makeScannedPdf,
  makeSparseFile,
  wordXml,
} from '../../fixtures/documents.ts'
import { isAlive, makeFolder, type TestFolder, until } from '../../fixtures/folder.ts'
import type { Chunk, ExtractedDocument, Parser, Probe, Rejection } from '../../ports.ts'
import { createProcessParser, type ProcessParserOptions } from './process-parser.ts'

const HOSTILE = new URL('../../fixtures/hostile-child.ts', import.meta.url)
const never = new AbortController().signal

let folder: TestFolder
const parsers: Parser[] = []

beforeEach(async () => {
  folder = await makeFolder()
})

afterEach(async () => {
  await Promise.all(parsers.splice(0).map((parser) => parser.close()))
  await folder[Symbol.asyncDispose]()
})

function start(options: ProcessParserOptions = {}): Parser {
  const parser = createProcessParser(options)
  parsers.push(parser)
  return parser
}

/** Probe, extract and chunk, as a run does it: the code of the rejection, or what came of it. */
async function ingest(parser: Parser, name: string, content?: Buffer | string) {
  const file = folder.in(name)
  if (content !== undefined) await writeFile(file, content)
  const probe = await parser.probe(file, never)
  if ('rejected' in probe) return probe
  const output = folder.in(`${name}.json`)
  const extraction = await parser.extract(file, probe.type, output, never)
  if ('rejected' in extraction) return extraction
  const chunks: Chunk[] = []
  const count = await parser.chunk(output, async (batch) => void chunks.push(...batch), never)
  const document = JSON.parse(await readFile(output, 'utf8')) as ExtractedDocument
  return { probe, extraction, chunks, count, document }
}

type Ingested = Exclude<Awaited<ReturnType<typeof ingest>>, Rejection>

async function ingestWhole(parser: Parser, name: string, content: Buffer | string): Promise<Ingested> {
  const result = await ingest(parser, name, content)
  if ('rejected' in result) throw new Error(`${name}: ${JSON.stringify(result)}`)
  return result
}

async function pidOf(parser: Parser, behaviour = 'pid'): Promise<number> {
  return ((await parser.probe(folder.in(behaviour), never)) as Probe).size
}

/** The number of the process that is in a loop over `loop`. */
function loopingPid(name = 'loop'): Promise<number> {
  const file = folder.in(`${name}.pid`)
  return until(() => existsSync(file) && /^(\d+)\n/.exec(readFileSync(file, 'utf8'))?.[1]).then(Number)
}

describe('real files in real processes', () => {
  test('[P9d] PDF, DOCX, HTML, Markdown, text and source code become passages with their places', async () => {
    const parser = start()
    const files: [string, Buffer | string][] = [
      ['a.pdf', await makePdf(['First page.', 'Second page.'])],
      ['b.docx', await makeDocx()],
      ['c.html', `<html><body><h1>Tides</h1><p>${'Water comes and goes. '.repeat(30)}</p></body></html>`],
      ['d.md', '# Tides\n\nWater comes and goes.\n'],
      ['e.txt', 'Water comes and goes.'],
      ['f.ts', 'export function tide() {\n  return 4\n}\n'],
    ]
    const results = await Promise.all(files.map(([name, content]) => ingestWhole(parser, name, content)))
    expect(results.map(({ probe }) => probe.type)).toEqual(['pdf', 'docx', 'html', 'markdown', 'text', 'code'])
    for (const { document, chunks, count } of results) {
      expect(count).toBe(chunks.length)
      expect(chunks.length).toBeGreaterThan(0)
      for (const chunk of chunks) expect(document.text.slice(chunk.start, chunk.end)).toBe(chunk.text)
    }
    expect(results[0]?.extraction).toMatchObject({ pages: 2 })
    expect(results[5]?.chunks[0]?.path).toEqual(['tide()'])
  })

  test('[P9e] each hostile file ends with its own code, and the files beside them are read', async () => {
    const parser = start()
    makeSparseFile(folder.in('large.txt'), 2 * 1024 ** 3)
    const pdf = await makePdf(['A page of text.'])
    const files: [string, Buffer | string | undefined, string | undefined][] = [
      ['large.txt', undefined, 'TOO_LARGE'],
      ['bomb.docx', makeRawDocx(wordXml([' '.repeat(40e6)])), 'ZIP_BOMB'],
      ['good.md', '# Fine\n\nNothing happened to this one.', undefined],
      ['lying.docx', makeRawDocx(wordXml([' '.repeat(40e6)]), { claimedSize: 900 }), 'ZIP_BOMB'],
      ['locked.pdf', await makePdf(['secret'], { userPassword: 'p', ownerPassword: 'o' }), 'ENCRYPTED'],
      ['locked.docx', makeEncryptedDocx(), 'ENCRYPTED'],
      ['open.pdf', await makePdf(['Open to all.'], { ownerPassword: 'o' }), undefined],
      ['cut.pdf', pdf.subarray(0, 300), 'CORRUPT'],
      ['garbage.pdf', Buffer.from('%PDF-1.7\n\x00\x01\xff nothing of the kind'), 'CORRUPT'],
      ['cut.docx', (await makeDocx()).subarray(0, 2000), 'CORRUPT'],
      ['scan.pdf', await makeScannedPdf(2), 'NEEDS_OCR'],
      ['picture.txt', makePng(), 'UNSUPPORTED_TYPE'],
      ['empty.txt', '', 'EMPTY'],
      ['gone.txt', undefined, 'VANISHED'],
      ['good.pdf', pdf, undefined],
    ]
    const results = await Promise.all(files.map(([name, content]) => ingest(parser, name, content)))
    const codes = results.map((result, index) => [
      files[index]?.[0],
      'rejected' in result ? result.rejected : undefined,
    ])
    expect(codes).toEqual(files.map(([name, , code]) => [name, code]))
    const leftovers = readdirSync(folder.path).filter((name) => name.endsWith('.partial'))
    expect(leftovers).toEqual([])
  })

  test('[P9e] a sparse file of 2 GB is refused without being read', async () => {
    const parser = start()
    await ingest(parser, 'warm.txt', 'Starts the process.')
    makeSparseFile(folder.in('large.txt'), 2 * 1024 ** 3)
    const before = performance.now()
    expect(await parser.probe(folder.in('large.txt'), never)).toMatchObject({ rejected: 'TOO_LARGE' })
    expect(performance.now() - before).toBeLessThan(500)
  })

  test('[P9e] a document that outgrows the memory cap ends as MEMORY_LIMIT and the next one is read', async () => {
    const parser = start({ concurrency: 1, maxRssBytes: 150e6 })
    function* paragraphs() {
      for (let n = 0; n < 400_000; n += 1) yield `word ${Math.imul(n, 2654435761)}`
    }
    expect(await ingest(parser, 'hog.docx', makeRawDocx(wordXml(paragraphs())))).toMatchObject({
      rejected: 'MEMORY_LIMIT',
    })
    expect(await ingest(parser, 'good.txt', 'Read after all.')).toMatchObject({ count: 1 })
  })

  test('[P9e] HTML and Markdown nested beyond reason end within the caps', async () => {
    const parser = start({ concurrency: 1, maxMillis: 20_000 })
    const deep = `<html><body>${'<div>'.repeat(50_000)}deep down${'</div>'.repeat(50_000)}</body></html>`
    const html = await ingest(parser, 'deep.html', deep)
    expect(html).toMatchObject({ document: { text: 'deep down' } })
    expect(
      await ingest(parser, 'deep.md', `${'> '.repeat(50_000)}quote\n${'['.repeat(50_000)}\n${'`'.repeat(50_001)}`),
    ).toMatchObject({
      extraction: { characters: expect.any(Number) },
    })
  })

  test('[P9e] a file without an output folder is no fault of the file', async () => {
    const parser = start()
    await writeFile(folder.in('a.txt'), 'text')
    const extraction = parser.extract(folder.in('a.txt'), 'text', folder.in('nowhere/a.json'), never)
    await expect(extraction).rejects.toMatchObject({ code: 'INTERNAL_ERROR' })
    expect(await parser.extract(folder.in('a.txt'), 'text', folder.in('a.json'), never)).toMatchObject({
      characters: 4,
    })
  })

  test('[P9d] batches hold at most 200 chunks, in order, each sent when the one before was taken', async () => {
    const parser = start()
    await writeFile(
      folder.in('long.txt'),
      Array.from({ length: 450 }, (_, n) => `${n} ${'word '.repeat(230)}`).join('\n\n'),
    )
    await parser.extract(folder.in('long.txt'), 'text', folder.in('long.json'), never)
    const sizes: number[] = []
    const ordinals: number[] = []
    let taking = 0
    const count = await parser.chunk(
      folder.in('long.json'),
      async (batch) => {
        taking += 1
        expect(taking).toBe(1)
        await new Promise((resolve) => setImmediate(resolve))
        sizes.push(batch.length)
        ordinals.push(...batch.map(({ ordinal }) => ordinal))
        taking -= 1
      },
      never,
    )
    expect(sizes.slice(0, -1).every((size) => size === 200)).toBe(true)
    expect(sizes.length).toBeGreaterThan(1)
    expect(ordinals).toEqual(Array.from({ length: count as number }, (_, n) => n))
  })
})

describe('processes that misbehave', () => {
  const options = { entry: HOSTILE, concurrency: 2, warm: 2 }

  test('[P9e] an endless loop is ended at the time cap', async () => {
    const parser = start({ ...options, maxMillis: 1500 })
    expect(await parser.probe(folder.in('loop'), never)).toMatchObject({ rejected: 'TIMEOUT' })
    expect(await pidOf(parser)).toBeGreaterThan(0)
  })

  test('[P9e] the time cap is on the given clock and does not count the time batches take', async () => {
    const clock = new ManualClock()
    const parser = start({ ...options, concurrency: 1, clock, maxMillis: 60_000 })
    const takeLong = async () => clock.advance(3_600_000)
    expect(await parser.chunk(folder.in('batches'), takeLong, never)).toBe(3)
    const looping = parser.chunk(folder.in('batch-loop'), takeLong, never)
    // No message can arrive between two microtasks: this time passes before the batch comes.
    for (let turns = 0; turns < 20; turns += 1) await null
    clock.advance(30_000)
    await loopingPid('batch-loop')
    clock.advance(29_999)
    expect(clock.pending).toBe(1)
    clock.advance(1)
    expect(await looping).toMatchObject({ rejected: 'TIMEOUT', detail: 'Over 60 s.' })
  })

  test('[P9e] memory outside the heap counts: a process that fills Buffers is ended', async () => {
    const parser = start({ ...options, maxRssBytes: 150e6 })
    expect(await parser.probe(folder.in('buffers'), never)).toEqual({ rejected: 'MEMORY_LIMIT' })
    expect(await parser.probe(folder.in('heap'), never)).toEqual({ rejected: 'MEMORY_LIMIT' })
    expect(await pidOf(parser)).toBeGreaterThan(0)
  })

  test('[P9e] a process killed with -9 takes down its own file only and is replaced', async () => {
    const parser = start(options)
    const output = folder.in('out.json')
    const broken = parser.extract(folder.in('loop'), 'text', output, never)
    const pid = await loopingPid()
    const other = await pidOf(parser)
    process.kill(pid, 'SIGKILL')
    expect(await broken).toMatchObject({ rejected: 'PARSER_CRASHED' })
    expect(await pidOf(parser)).toBe(other)
    await until(() => readdirSync(folder.path).every((name) => !name.endsWith('.partial')))
    expect(existsSync(output)).toBe(false)
  })

  test('[P9e] an exit and an unforeseen error are told as PARSER_CRASHED', async () => {
    const parser = start(options)
    expect(await parser.probe(folder.in('exit'), never)).toMatchObject({ rejected: 'PARSER_CRASHED', detail: /code 3/ })
    expect(await parser.probe(folder.in('throw'), never)).toMatchObject({ rejected: 'PARSER_CRASHED', detail: /own/ })
  })

  test('[P9e] what a library leaves behind does not become the fault of the next file', async () => {
    const parser = start({ ...options, concurrency: 1 })
    const first = await pidOf(parser, 'late')
    await until(() => true)
    const pids = [await pidOf(parser), await pidOf(parser), await pidOf(parser)]
    expect(pids.every((pid) => pid > 0)).toBe(true)
    expect(pids.at(-1)).not.toBe(first)
  })

  test('[P9g] an abort in the middle rejects with its reason at once and ends the process', async () => {
    const parser = start({ ...options, concurrency: 1 })
    const controller = new AbortController()
    const reading = parser.probe(folder.in('loop'), controller.signal)
    const waiting = parser.probe(folder.in('pid'), controller.signal)
    const pid = await loopingPid()
    controller.abort(new Error('cancelled'))
    await expect(reading).rejects.toThrow('cancelled')
    await expect(waiting).rejects.toThrow('cancelled')
    await until(() => !isAlive(pid))
    expect(await pidOf(parser)).not.toBe(pid)
    await expect(parser.probe(folder.in('pid'), controller.signal)).rejects.toThrow('cancelled')
  })

  test('[P9d] a failing batch rejects with its own error and the next file is read', async () => {
    const parser = start({ ...options, concurrency: 1 })
    const failing = async () => {
      throw new HoldfastError('FENCED')
    }
    await expect(parser.chunk(folder.in('batches'), failing, never)).rejects.toMatchObject({ code: 'FENCED' })
    expect(await parser.chunk(folder.in('batches'), async () => {}, never)).toBe(3)
  })

  test('[P9d] no more processes than the concurrency, kept between files, replaced after so many', async () => {
    const kept = start(options)
    const pids = new Set(await Promise.all(Array.from({ length: 30 }, () => pidOf(kept))))
    expect(pids.size).toBe(2)
    const replaced = start({ ...options, concurrency: 1, recycleAfterFiles: 2 })
    const [first, second, third] = [await pidOf(replaced), await pidOf(replaced), await pidOf(replaced)]
    expect(second).toBe(first)
    expect(third).not.toBe(first)
    expect(isAlive(first)).toBe(false)
  })

  test('[P9d] files that are quick are read by one process, however many wait', async () => {
    const clock = new ManualClock()
    const parser = start({ entry: HOSTILE, concurrency: 3, clock })
    const files = Array.from({ length: 30 }, async () => {
      const pid = await pidOf(parser)
      clock.advance(2999)
      return pid
    })
    expect(new Set(await Promise.all(files)).size).toBe(1)
  })

  test('[P9e] a slow file holds up the others until it is known to be slow, and one more gets a process then', async () => {
    const clock = new ManualClock()
    const parser = start({ entry: HOSTILE, concurrency: 3, clock })
    const controller = new AbortController()
    const slow = [Promise.allSettled([parser.probe(folder.in('loop'), controller.signal)])]
    const looping = await loopingPid()
    const behind = Array.from({ length: 5 }, () => pidOf(parser))
    clock.advance(2999)
    const early = await Promise.race([behind[0], new Promise((resolve) => setImmediate(resolve, 'waits'))])
    expect(early).toBe('waits')
    clock.advance(1)
    const [other] = new Set(await Promise.all(behind))
    expect(other).not.toBe(looping)

    // The same once more: a second slow file beside the first.
    await mkdir(folder.in('second'))
    slow.push(Promise.allSettled([parser.probe(folder.in('second/loop'), controller.signal)]))
    await loopingPid('second/loop')
    const third = pidOf(parser)
    clock.advance(3000)
    expect([looping, other]).not.toContain(await third)
    controller.abort(new Error('enough'))
    await Promise.all(slow)
  })

  test('[P9d] processes with nothing to do are ended: a spare one soon, the last one later', async () => {
    const clock = new ManualClock()
    const parser = start({ entry: HOSTILE, concurrency: 2, clock, maxMillis: 10_000 })
    const slow = parser.probe(folder.in('loop'), never)
    await loopingPid()
    const behind = pidOf(parser)
    clock.advance(3000)
    const spare = await behind
    clock.advance(2000)
    expect(await pidOf(parser)).toBe(spare)
    clock.advance(5000)
    expect(await slow).toMatchObject({ rejected: 'TIMEOUT' })
    await until(() => !isAlive(spare))
    const last = await pidOf(parser)
    clock.advance(29_000)
    expect(isAlive(last)).toBe(true)
    clock.advance(4000)
    await until(() => !isAlive(last))
    expect(await pidOf(parser)).not.toBe(last)
  })

  test('[P9d] a process that stays large is replaced', async () => {
    const parser = start({ ...options, concurrency: 1, recycleRssBytes: 1 })
    expect(await pidOf(parser)).not.toBe(await pidOf(parser))
  })

  test('[P9e] no secret of the environment reaches a process', async () => {
    process.env.PARSER_TEST_SECRET = 'secret'
    try {
      const parser = start(options)
      const { sha256 } = (await parser.probe(folder.in('environment'), never)) as Probe
      expect(
        Object.keys(JSON.parse(sha256)).filter(
          (name) => !/^(SystemRoot|TEMP|TMP|MALLOC_ARENA_MAX|NODE_CHANNEL.*)$/.test(name),
        ),
      ).toEqual([])
    } finally {
      delete process.env.PARSER_TEST_SECRET
    }
  })

  test('[P9i] processes end with their server, also after kill -9, idle or in a loop', async () => {
    const program = fileURLToPath(new URL('../../fixtures/parser-parent.ts', import.meta.url))
    const server = spawn(process.execPath, [program, folder.path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await server.stdout.setEncoding('utf8').take(1).toArray()) as string[]
    const idle = (JSON.parse(line ?? '') as Probe).size
    const looping = await loopingPid()
    expect([isAlive(idle), isAlive(looping)]).toEqual([true, true])
    server.kill('SIGKILL')
    await until(() => !isAlive(idle) && !isAlive(looping))
  })

  test.each(['close', 'leave'])(
    '[P9d] processes do not keep a program running, nor let it end too early (%s)',
    async (end) => {
      await writeFile(folder.in('a.txt'), 'text')
      const program = fileURLToPath(new URL('../../fixtures/parser-script.ts', import.meta.url))
      const script = spawn(process.execPath, [program, folder.in('a.txt'), end], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const code = new Promise((resolve) => script.once('close', resolve))
      const output = (await script.stdout.setEncoding('utf8').toArray()).join('')
      expect([await code, output]).toEqual([0, '["text","text","text"]'])
    },
  )

  test('[P9d] close ends what runs and what waits', async () => {
    const parser = start({ ...options, concurrency: 1 })
    const running = parser.probe(folder.in('loop'), never)
    const waiting = parser.probe(folder.in('pid'), never)
    const pid = await loopingPid()
    const settled = Promise.allSettled([running, waiting])
    await parser.close()
    expect(isAlive(pid)).toBe(false)
    const unavailable = { status: 'rejected', reason: { code: 'UNAVAILABLE' } }
    expect(await settled).toMatchObject([unavailable, unavailable])
    await expect(parser.probe(folder.in('pid'), never)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('[P9d] a compile cache is filled by the first files', async () => {
    const compileCache = folder.in('cache')
    await mkdir(compileCache)
    const parser = start({ compileCache })
    await ingest(parser, 'a.txt', 'text')
    await until(() => readdirSync(compileCache).length > 0)
  })
})
