import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeEncryptedDocx, makePdf, makeRawDocx, makeScannedPdf, makeSparseFile } from './fixtures/documents.ts'
import { createIngestWorld, type IngestWorld, type ToldEvent } from './fixtures/world.ts'

const EXPECTED: Record<string, string | null> = {
  'binary.dat': 'UNSUPPORTED_TYPE',
  'bomb.docx': 'ZIP_BOMB',
  'broken.pdf': 'CORRUPT',
  'empty.txt': 'EMPTY',
  'fine.md': null,
  'great.txt': 'TOO_LARGE',
  'liar.docx': 'CORRUPT',
  'locked.docx': 'ENCRYPTED',
  'locked.pdf': 'ENCRYPTED',
  loop: 'LINK_CYCLE',
  'nowhere.md': 'UNREADABLE',
  'outside.md': 'LINK_OUTSIDE',
  'scan.pdf': 'NEEDS_OCR',
  'sub/self.md': 'LINK_CYCLE',
}

let world: IngestWorld
let projectId: string
let events: ToldEvent[]

beforeAll(async () => {
  world = await createIngestWorld()
  await world.write({
    'binary.dat': Buffer.from([0, 1, 2, 3, 254, 255, 0, 9]),
    'bomb.docx': makeRawDocx(Buffer.alloc(300_000_000, 'a')),
    'broken.pdf': '%PDF-1.7\nthis is not what it says it is',
    'empty.txt': '',
    'fine.md': '# Fine\n\nThe one unharmed ptarmigan.\n',
    'liar.docx': makeRawDocx('not xml at all <<<'),
    'locked.docx': makeEncryptedDocx(),
    'locked.pdf': await makePdf(['secret'], { userPassword: 'secret' }),
    'scan.pdf': await makeScannedPdf(2),
    'sub/inner.md': 'Inner.',
  })
  await writeFile(join(world.http.dataDir, '..', 'secret.md'), 'The outside secret.')
  makeSparseFile(join(world.root, 'great.txt'), 2_000_000_000)
  await symlink('..', join(world.root, 'sub', 'up'))
  await symlink('.', join(world.root, 'loop'))
  await symlink('self.md', join(world.root, 'sub', 'self.md'))
  await symlink('nothing.md', join(world.root, 'nowhere.md'))
  await symlink('../secret.md', join(world.root, 'outside.md'))
  projectId = await world.project()
  ;({ events } = await world.ingest(projectId))
}, 120_000)
afterAll(() => world[Symbol.asyncDispose]())

describe('A folder that means harm', () => {
  it('[P9e] ends as done, with each file told by its own code', async () => {
    const files = await world.files(projectId)
    const codes = Object.fromEntries(Object.entries(files).map(([path, { code }]) => [path, code]))
    expect(codes).toEqual({ ...EXPECTED, 'sub/inner.md': null, 'sub/up': 'LINK_CYCLE' })
    for (const { code, reason, status } of Object.values(files)) {
      expect(reason === null).toBe(code === null)
      expect(['done', 'skipped', 'failed']).toContain(status)
    }
  })

  it('[P9e] is never an error of the ingestion', async () => {
    expect(events.filter(({ type }) => type === 'error')).toEqual([])
    expect(events.at(-1)?.type).toBe('ingestion_complete')
  })

  it('[P9e] adds up: every file is counted once', async () => {
    const files = Object.values(await world.files(projectId))
    const count = (status: string) => files.filter((file) => file.status === status).length
    const counted = { done: count('done'), failed: count('failed'), skipped: count('skipped') }
    expect(counted.done + counted.failed + counted.skipped).toBe(files.length)
    expect(events.at(-1)).toMatchObject({ result: { files: { total: files.length, ...counted } } })
    const last = events.findLast((event) => event.type === 'progress_update')
    expect(last).toMatchObject({
      phase: 4,
      progressPercent: 100,
      metrics: {
        filesTotal: files.length,
        filesDone: counted.done,
        filesFailed: counted.failed,
        filesSkipped: counted.skipped,
      },
    })
  })

  it('[P9e] keeps what is good in it, and nothing from outside', async () => {
    expect(await world.search(projectId, 'ptarmigan')).toHaveLength(1)
    expect(await world.search(projectId, '"outside secret"')).toEqual([])
  })
})
