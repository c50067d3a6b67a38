import type { Problem } from '@holdfast/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makePdf } from './fixtures/documents.ts'
import { type GatedParser, gatedParser } from './fixtures/gate.ts'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'
import type { FilesPage, IngestionView, Page, ProjectsPage, ProjectView, RetriedView, WatchedView } from './view.ts'

let gate: GatedParser
let world: IngestWorld
beforeEach(async () => {
  gate = await gatedParser()
  world = await createIngestWorld({ ingest: { parser: gate.parser } })
})
afterEach(() => world[Symbol.asyncDispose]())

const make = async (name: string) => (await world.http.post<ProjectView>('/api/projects', { name })).id
const refused = async (path: string, json?: object) => {
  const { status, body } = await world.http.request<Problem>(path, json ? { json } : {})
  return { status, code: body.code }
}
const damaged = '%PDF-1.7\nand then nothing that a PDF has'
/** A folder with two notes and so many files that cannot be read. */
const mixed = (count: number) => ({
  'good.md': '# Good\n\nWords.\n',
  '=cmd.md': 'A name that a spreadsheet would run.\n',
  ...Object.fromEntries(Array.from({ length: count }, (_, n) => [`broken/${n}.pdf`, damaged])),
})

describe('The list of projects', () => {
  it('[ING19] is searched, filtered, sorted and counted by the address, and paged by its cursor', async () => {
    await world.write({ 'a.md': 'Words.' })
    for (const name of ['Beta', 'alpha', 'Gamma', 'Alphabet']) await make(name)
    const working = await make('Delta')
    await world.ingest(working)
    const list = (query: string) => world.http.get<ProjectsPage>(`/api/projects?${query}`)
    const names = ({ items }: ProjectsPage) => items.map(({ name }) => name)
    expect(names(await list('sort=name'))).toEqual(['alpha', 'Alphabet', 'Beta', 'Delta', 'Gamma'])
    expect(names(await list('q=ALPHA'))).toEqual(['Alphabet', 'alpha'])
    const done = await list('status=done')
    expect(names(done)).toEqual(['Delta'])
    expect(done.total).toBe(1)
    expect(done.groups.toSorted((a, b) => a.projects - b.projects)).toEqual([
      { status: 'done', projects: 1 },
      { status: 'idle', projects: 4 },
    ])
    const first = await list('sort=name&limit=2')
    await make('Aaron')
    const second = await list(`sort=name&limit=2&cursor=${encodeURIComponent(first.next ?? '')}`)
    expect(names(second)).toEqual(['Beta', 'Delta'])
    expect((await list('sort=active&limit=2')).items[0]?.name).toBe('Aaron')
  })

  it('[ING19] refuses what is no order, no status and no cursor of that order', async () => {
    await make('One')
    const { next } = await world.http.get<ProjectsPage>('/api/projects?limit=1')
    for (const query of ['sort=colour', 'status=fine', 'limit=0', 'cursor=%5B%5D', 'cursor=x']) {
      expect(await refused(`/api/projects?${query}`), query).toEqual({ status: 400, code: 'INVALID_INPUT' })
    }
    const project = `/api/projects/${await make('Two')}`
    const forged: [string, string, unknown][] = [
      ['/api/projects', 'active', 'x'],
      ['/api/projects', 'name', 5],
      ['/api/projects', 'newest', null],
      [`${project}/files`, 'size', 'x'],
      [`${project}/files`, '-passages', 0.5],
      [`${project}/files`, '-path', 5],
    ]
    for (const [list, sort, key] of forged) {
      const path = `${list}?sort=${sort}&cursor=${encodeURIComponent(JSON.stringify([sort, key, 'y']))}`
      expect(await refused(path), path).toEqual({ status: 400, code: 'INVALID_INPUT' })
    }
    for (const cursor of ['', 'x', '-1', '1e3', '99999999999999999999']) {
      const path = `${project}/files/nobody/passages?cursor=${cursor}`
      expect(await refused(path), path).toEqual({ status: 400, code: 'INVALID_INPUT' })
    }
    const other = `/api/projects?sort=name&cursor=${encodeURIComponent(next ?? '')}`
    expect(await refused(other)).toEqual({ status: 400, code: 'INVALID_INPUT' })
  })
})

describe('A project with its first source', () => {
  it('[ING23] is made with its ingestion queued, or, where the source is refused, not at all', async () => {
    await world.write({ 'a.md': 'Words.' })
    const made = await world.http.post<ProjectView>('/api/projects', { name: 'Both', source: { path: world.root } })
    expect(made.ingestion).toMatchObject({ source: { kind: 'path', label: world.root } })
    expect((await world.end(made.id, made.ingestion?.ingestionId ?? '')).at(-1)?.type).toBe('ingestion_complete')
    expect(await refused('/api/projects', { name: 'Neither', source: { path: '/etc' } })).toEqual({
      status: 403,
      code: 'PATH_NOT_ALLOWED',
    })
    expect(await refused('/api/projects', { name: 'Neither', source: { colour: 'red' } })).toEqual({
      status: 400,
      code: 'INVALID_INPUT',
    })
    expect((await world.http.get<ProjectsPage>('/api/projects')).items.map(({ name }) => name)).toEqual(['Both'])
  })
})

describe('Files that failed', () => {
  it('[ING21] are tried again as the filtered set they are, in one ingestion, and the answer says how many', async () => {
    await world.write(mixed(5))
    const projectId = await world.project()
    const { ingestionId } = await world.ingest(projectId)
    const before = await world.http.get<FilesPage>(`/api/projects/${projectId}/files?status=failed`)
    expect(before.total).toBe(5)
    await world.write({ 'broken/0.pdf': await makePdf(['Mended.']), 'broken/1.pdf': await makePdf(['As well.']) })
    const retried = await world.http.post<RetriedView>(`/api/projects/${projectId}/retry`, {
      scope: 'file',
      code: 'CORRUPT',
      q: 'BROKEN/',
    })
    expect(retried).toMatchObject({ files: 5, retries: [{ files: 5 }] })
    const [retry] = retried.retries
    const events = await world.end(projectId, retry?.ingestionId ?? '')
    expect(events.at(-1)).toMatchObject({ result: { files: { total: 5, done: 2, failed: 3 } } })
    expect(await world.progress(projectId)).toMatchObject({ retryOf: ingestionId })
    const files = await world.files(projectId)
    expect(files['good.md']).toMatchObject({ status: 'done', ingestionId })
    expect(files['broken/0.pdf']).toMatchObject({ status: 'done', ingestionId: retry?.ingestionId })
  })

  it('[ING21] are chosen one by one as well, and each source is tried again by itself', async () => {
    await world.write({ 'one/a.pdf': damaged, 'one/b.pdf': damaged, 'two/c.pdf': damaged })
    const projectId = await world.project()
    await world.ingest(projectId, { path: `${world.root}/one` })
    await world.ingest(projectId, { path: `${world.root}/two` })
    const files = await world.files(projectId)
    const chosen = [files['a.pdf']?.id, files['c.pdf']?.id]
    const path = `/api/projects/${projectId}/retry`
    const retried = await world.http.post<RetriedView>(path, { scope: 'file', fileIds: chosen })
    expect(retried.files).toBe(2)
    expect(retried.retries.map((retry) => retry.files)).toEqual([1, 1])
    for (const retry of retried.retries) {
      expect((await world.end(projectId, retry.ingestionId)).at(-1)).toMatchObject({ result: { files: { total: 1 } } })
    }
    expect((await world.files(projectId))['b.pdf']?.ingestionId).toBe(files['b.pdf']?.ingestionId)
  })

  const askAtOnce = (projectId: string) => {
    const ask = () =>
      world.http.request<RetriedView & Problem>(`/api/projects/${projectId}/retry`, { json: { scope: 'file' } })
    return Promise.all(Array.from({ length: 5 }, ask))
  }

  it('[ING21] are tried again once, however many ask for the same set at once', async () => {
    await world.write(mixed(3))
    const projectId = await world.project()
    await world.ingest(projectId)
    gate.hold('probe')
    const answers = await askAtOnce(projectId)
    expect(answers.map(({ status, body }) => body.code ?? status).sort()).toEqual([202, ...Array(4).fill('NOT_ENDED')])
    for (const { status } of answers) expect([202, 409]).toContain(status)
    const { items } = await world.http.get<Page<IngestionView>>(`/api/projects/${projectId}/ingestions`)
    expect(items).toHaveLength(2)
    gate.open()
    const events = await world.end(projectId, items[0]?.ingestionId ?? '')
    expect(events.at(-1)).toMatchObject({ result: { files: { total: 3 } } })
  })

  it('[ING21] of several sources are tried again by one of those who ask at once, source by source', async () => {
    await world.write({ 'one/a.pdf': damaged, 'one/b.pdf': damaged, 'two/c.pdf': damaged })
    const projectId = await world.project()
    await world.ingest(projectId, { path: `${world.root}/one` })
    await world.ingest(projectId, { path: `${world.root}/two` })
    gate.hold('probe')
    const answers = await askAtOnce(projectId)
    const retries = answers.flatMap(({ status, body }) => (status === 202 ? body.retries : []))
    expect(retries.map(({ files }) => files).sort()).toEqual([1, 2])
    const refusals = answers.filter(({ status }) => status !== 202)
    expect(refusals.length).toBeGreaterThanOrEqual(3)
    for (const { status, body } of refusals) expect([status, body.code]).toEqual([409, 'NOT_ENDED'])
    gate.open()
    for (const { ingestionId, files } of retries) {
      expect((await world.end(projectId, ingestionId)).at(-1)).toMatchObject({ result: { files: { total: files } } })
    }
  })

  it('[ING21] are refused where none has failed, where they are worked on, and where the set is none', async () => {
    await world.write({ 'a.md': 'Words.' })
    const projectId = await world.project()
    await world.ingest(projectId)
    const path = `/api/projects/${projectId}/retry`
    expect(await refused(path, { scope: 'file' })).toEqual({ status: 409, code: 'CONFLICT' })
    for (const body of [{}, { scope: 'files' }, { scope: 'file', fileIds: [] }, { scope: 'file', status: 'done' }]) {
      expect((await refused(path, body)).status, JSON.stringify(body)).toBe(400)
    }
    expect((await refused('/api/projects/nobody/retry', { scope: 'file' })).status).toBe(404)
  })
})

describe('One file', () => {
  it('[ING22] is told with its source, its phase and its passages', async () => {
    await world.write(mixed(1))
    const projectId = await world.project()
    await world.ingest(projectId)
    const files = await world.files(projectId)
    const path = `/api/projects/${projectId}/files`
    const good = await world.http.get(`${path}/${files['good.md']?.id}`)
    expect(good).toMatchObject({ path: 'good.md', phase: 4, source: { kind: 'path' }, chunks: 1 })
    const passages = await world.http.get(`${path}/${files['good.md']?.id}/passages`)
    expect(passages).toMatchObject({ items: [{ ordinal: 0, headings: ['Good'] }], total: 1, next: null })
    expect(await world.http.get(`${path}/${files['broken/0.pdf']?.id}`)).toMatchObject({ code: 'CORRUPT', phase: 2 })
    const other = await make('Other')
    expect((await refused(`/api/projects/${other}/files/${files['good.md']?.id}`)).status).toBe(404)
    expect((await refused(`/api/projects/${other}/files/${files['good.md']?.id}/passages`)).status).toBe(404)
  })
})

describe('What is taken along', () => {
  const text = async (path: string) => {
    const answer = await fetch(`${world.http.url}${path}`, { headers: { authorization: `Bearer ${world.http.token}` } })
    return { headers: answer.headers, text: await answer.text() }
  }

  it('[ING24] is the filtered and sorted table, as CSV no spreadsheet runs, or as JSON', async () => {
    await world.write({ ...mixed(3), 'a,"b".md': 'Words.' })
    const projectId = await world.project()
    await world.ingest(projectId)
    const csv = await text(`/api/projects/${projectId}/export/files?format=csv&sort=-path`)
    expect(csv.headers.get('content-disposition')).toBe('attachment; filename="files.csv"')
    expect(csv.headers.get('content-type')).toContain('text/csv')
    const lines = csv.text.split('\r\n')
    expect(lines[0]).toMatch(/^\ufeff?path,type,size,status/)
    expect(lines.slice(1, -1).map((line) => line.replace(/,(markdown|pdf).*/, ''))).toEqual([
      'good.md',
      'broken/2.pdf',
      'broken/1.pdf',
      'broken/0.pdf',
      '"a,""b"".md"',
      "'=cmd.md",
    ])
    const failed = await text(`/api/projects/${projectId}/export/files?format=json&status=failed&q=1`)
    expect(JSON.parse(failed.text)).toMatchObject([{ path: 'broken/1.pdf', code: 'CORRUPT' }])
    const none = await text(`/api/projects/${projectId}/export/files?format=json&q=nothing`)
    expect(JSON.parse(none.text)).toEqual([])
    const history = await text(`/api/projects/${projectId}/export/ingestions?format=json`)
    expect(JSON.parse(history.text) as IngestionView[]).toMatchObject([{ status: 'done', projectId }])
    expect((await text(`/api/projects/${projectId}/export/ingestions?format=csv`)).text).toContain(',path,')
    expect((await refused(`/api/projects/${projectId}/export/files?format=xls`)).status).toBe(400)
    expect((await refused('/api/projects/nobody/export/files?format=csv')).status).toBe(404)
    expect((await refused('/api/projects/nobody/export/ingestions?format=csv')).status).toBe(404)
  })
})

describe('Ingestions that are watched', () => {
  it('[ING25] are told by their ids, of any projects; what is not there, or may not be read, is left out', async () => {
    await world.write({ 'a.md': 'Words.' })
    const one = await make('One')
    const two = await make('Two')
    const ids = [(await world.ingest(one)).ingestionId, (await world.ingest(two)).ingestionId, 'nobody']
    const { items } = await world.http.get<{ items: WatchedView[] }>(`/api/ingestions?ids=${ids.join(',')}`)
    expect(items.map(({ projectName, status }) => `${projectName} ${status}`).sort()).toEqual(['One done', 'Two done'])
    const asked = { subject: 'ann', scope: [`read:projects/${two}/*`], expiresIn: 900 }
    const { token } = await world.http.post<{ token: string }>('/api/auth/token', asked)
    const answer = await world.http.request<{ items: WatchedView[] }>(`/api/ingestions?ids=${ids.join(',')}`, { token })
    expect(answer.body.items.map(({ projectName }) => projectName)).toEqual(['Two'])
    for (const query of ['', 'ids=', `ids=${Array.from({ length: 101 }, (_, n) => n).join(',')}`]) {
      expect((await refused(`/api/ingestions?${query}`)).status, query).toBe(400)
    }
  })
})
