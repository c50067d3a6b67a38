import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDocx, makePdf } from './fixtures/documents.ts'
import { createIngestWorld, type IngestWorld, type ToldEvent } from './fixtures/world.ts'
import type { FilesPage, FileView, Page, ProjectView, SearchHitView } from './view.ts'

// Longer than a passage, so that what is written under it stands in one of its own.
const filler = (word: string) => `Here the ${word} is told of at length and in plain words. `.repeat(40)
const GUIDE = `# Guide\n\n${filler('boat')}\n\n## Harbours\n\nThe zephyrine harbour lies behind the cape.\n`
const CODE = `export class Hub {\n  subscribe(stream: string): void {\n    this.quixotic(stream)\n  }\n}\n`
const PAGE = `<html><head><title>Sails</title></head><body><article><h1>Sails</h1><p>${'A gossamer sail is light and takes the wind well. '.repeat(8)}</p></article></body></html>`

let world: IngestWorld
let projectId: string
let ingestionId: string
let events: ToldEvent[]

beforeAll(async () => {
  world = await createIngestWorld()
  await world.write({
    'guide.md': GUIDE,
    'notes/plain.txt': 'Marginalia of a sailor.\n\nNothing else.\n',
    'notes/sails.html': PAGE,
    'src/hub.ts': CODE,
    'tides.docx': await makeDocx(),
    'handbook.pdf': await makePdf([filler('anchor'), 'The second page tells of barnacles.']),
    'logo.bin': Buffer.from([0, 1, 2, 3, 255, 254, 0, 7]),
  })
  projectId = await world.project()
  ;({ ingestionId, events } = await world.ingest(projectId))
})
afterAll(() => world[Symbol.asyncDispose]())

describe('A project', () => {
  it('[P9a] is created with a name, found by its id and listed newest first, page by page', async () => {
    const made = await world.http.request<ProjectView>('/api/projects', { json: { name: '  Second  ' } })
    expect(made.status).toBe(201)
    expect(made.headers.get('location')).toBe(`/api/projects/${made.body.id}`)
    expect(made.body).toMatchObject({ name: 'Second', files: 0, chunks: 0, ingestion: null })
    expect(await world.http.get(`/api/projects/${made.body.id}`)).toEqual(made.body)

    const first = await world.http.get<Page<ProjectView>>('/api/projects?limit=1')
    expect(first).toMatchObject({ items: [{ id: made.body.id }], total: 2 })
    const second = await world.http.get<Page<ProjectView>>(`/api/projects?limit=1&cursor=${first.next}`)
    expect(second.items.map(({ id }) => id)).toEqual([projectId])
  })

  it('[P9a] tells what can be searched in it, and its newest ingestion', async () => {
    const project = await world.http.get<ProjectView>(`/api/projects/${projectId}`)
    const files = Object.values(await world.files(projectId))
    expect(project.files).toBe(files.filter(({ status }) => status === 'done').length)
    expect(project.chunks).toBe(files.reduce((sum, { chunks }) => sum + chunks, 0))
    expect(project.ingestion).toMatchObject({ ingestionId, status: 'done', progressPercent: 100 })
  })
})

describe('An ingestion of a folder', () => {
  it('[P9c] is accepted with its id and addresses that work', async () => {
    const id = await world.project()
    const answer = await world.http.request<Record<string, string>>(`/api/projects/${id}/ingestions`, {
      json: { path: world.root },
    })
    expect(answer.status).toBe(202)
    const { ingestionId, progressUrl = '', websocketUrl = '' } = answer.body
    expect(progressUrl).toBe(`${world.http.url}/api/projects/${id}/progress?ingestion=${ingestionId}`)
    const socket = world.http.socket(websocketUrl)
    expect(await socket.ended).toMatchObject({ code: 4500 })
    expect(socket.messages.at(-1)).toMatchObject({ type: 'ingestion_complete', result: { ingestionId } })
    expect(await world.http.get(progressUrl)).toMatchObject({ ingestionId, status: 'done' })
  })

  it('[P9d] goes through the four phases in order and ends with its result', async () => {
    const phases = events.filter(({ type }) => type === 'phase_started')
    expect(phases).toMatchObject([
      { phase: 1, phaseName: 'discover' },
      { phase: 2, phaseName: 'extract' },
      { phase: 3, phaseName: 'chunk' },
      { phase: 4, phaseName: 'index' },
    ])
    const files = Object.values(await world.files(projectId))
    expect(events.at(-1)).toMatchObject({
      type: 'ingestion_complete',
      result: {
        ingestionId,
        files: { total: 7, done: 6, failed: 0, skipped: 1 },
        bytes: files.reduce((sum, { size }) => sum + size, 0),
        chunks: files.reduce((sum, { chunks }) => sum + chunks, 0),
      },
    })
  })

  it('[P9d] reads PDF, DOCX, HTML, Markdown, text and source code', async () => {
    const types = Object.entries(await world.files(projectId)).map(([path, { type, status }]) => [path, type, status])
    expect(types).toEqual([
      ['guide.md', 'markdown', 'done'],
      ['handbook.pdf', 'pdf', 'done'],
      ['logo.bin', null, 'skipped'],
      ['notes/plain.txt', 'text', 'done'],
      ['notes/sails.html', 'html', 'done'],
      ['src/hub.ts', 'code', 'done'],
      ['tides.docx', 'docx', 'done'],
    ])
    for (const word of ['zephyrine', 'barnacles', 'marginalia', 'gossamer', 'quixotic', 'Brest']) {
      expect(await world.search(projectId, word), word).not.toEqual([])
    }
  })

  it('[P9e] says of each file how it stands and why', async () => {
    const files = await world.files(projectId)
    expect(files['logo.bin']).toMatchObject({ status: 'skipped', code: 'UNSUPPORTED_TYPE', chunks: 0 })
    expect(files['logo.bin']?.reason).toContain('Not a kind of file that text can be read from.')
    expect(files['handbook.pdf']).toMatchObject({ status: 'done', code: null, reason: null, pages: 2, ingestionId })
  })
})

describe('The list of files', () => {
  const list = (query: string) => world.http.get<FilesPage>(`/api/projects/${projectId}/files?${query}`)
  const paths = (page: FilesPage) => page.items.map(({ path }: FileView) => path)

  it('[P9e] is filtered by status, code, ingestion and part of the path in any case', async () => {
    expect(paths(await list('status=skipped'))).toEqual(['logo.bin'])
    expect(paths(await list('code=UNSUPPORTED_TYPE'))).toEqual(['logo.bin'])
    expect(paths(await list('q=NOTES/'))).toEqual(['notes/plain.txt', 'notes/sails.html'])
    expect(paths(await list('q=%25'))).toEqual([])
    expect((await list(`ingestion=${ingestionId}`)).total).toBe(7)
    expect((await list('ingestion=another')).total).toBe(0)
  })

  it('[P9e] counts by status and code whatever of those two is asked for', async () => {
    const { groups, total } = await list('status=skipped')
    expect(total).toBe(1)
    expect(groups).toEqual(
      expect.arrayContaining([
        { status: 'done', code: null, files: 6 },
        { status: 'skipped', code: 'UNSUPPORTED_TYPE', files: 1 },
      ]),
    )
  })

  it('[P9e] comes page by page, each file once, in the order of the paths', async () => {
    const seen: string[] = []
    for (let cursor = ''; ; ) {
      const page = await list(`limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
      expect(page.items.length).toBeLessThanOrEqual(2)
      seen.push(...paths(page))
      if (page.next === null) break
      cursor = page.next
    }
    expect(seen).toEqual(Object.keys(await world.files(projectId)))
  })
})

describe('A search', () => {
  const only = async (query: string): Promise<SearchHitView> => {
    const hits = await world.search(projectId, query)
    expect(hits, query).toHaveLength(1)
    return hits[0] as SearchHitView
  }

  it('[P9d] gives the span of a passage in the file itself, to the character', async () => {
    const hit = await only('zephyrine')
    const text = await readFile(join(world.root, hit.path), 'utf8')
    expect(text.slice(hit.start, hit.end)).toBe(hit.text)
    expect(hit).toMatchObject({ path: 'guide.md', page: null, headings: ['Guide', 'Harbours'] })
    const lines = text.split('\n').slice(hit.lineStart - 1, hit.lineEnd)
    expect(lines.join('\n')).toContain('zephyrine')
    const [[start, end] = [0, 0]] = hit.highlights
    expect(hit.text.slice(start, end)).toBe('zephyrine')
  })

  it('[P9d] gives the page of a PDF and the symbol of source code', async () => {
    expect(await only('barnacles')).toMatchObject({ path: 'handbook.pdf', page: 2 })
    const code = await only('quixotic')
    expect(code).toMatchObject({ path: 'src/hub.ts', type: 'code' })
    expect(code.headings.join(' ')).toContain('Hub')
  })

  it('[P9d] ranks: a passage that is all about a word stands before one that has it once', async () => {
    const [first] = await world.search(projectId, 'sails')
    expect(first?.path).toBe('notes/sails.html')
    const hits = await world.search(projectId, 'page')
    expect(hits.map(({ score }) => score)).toEqual(hits.map(({ score }) => score).sort((a, b) => b - a))
  })

  it('[P9d] comes page by page and finds nothing of another project', async () => {
    const path = `/api/projects/${projectId}/search?q=page&limit=1`
    const first = await world.http.get<{ items: SearchHitView[] }>(path)
    const second = await world.http.get<{ items: SearchHitView[] }>(`${path}&offset=1`)
    expect([...first.items, ...second.items]).toEqual((await world.search(projectId, 'page')).slice(0, 2))
    expect(await world.search(await world.project(), 'page')).toEqual([])
  })
})
