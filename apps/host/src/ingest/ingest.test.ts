import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@holdfast/testing'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { ensurePageBuilt } from '../../../../scripts/build-page.ts'
import { jsonLines, manyFiles, place, REPOSITORY } from '../fixtures/command.ts'

beforeAll(async () => {
  await ensurePageBuilt({ root: REPOSITORY })
}, 120_000)

// Whole processes, several in a row, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 120_000 })

const three = {
  'a.md': '# Kelp\n\nIt grows on rock.\n',
  'b.txt': 'A holdfast holds fast.\n',
  'deep/c.ts': 'export const c = 1\n',
}

const asker = (server: { url: string; token: string }) => {
  const headers = { authorization: `Bearer ${server.token}` }
  return async <T>(path: string, method = 'GET'): Promise<T> =>
    (await fetch(server.url + path, { method, headers })).json() as Promise<T>
}

describe('ingest where no server runs', () => {
  it('[HOST6] is a server itself for as long as it takes, and may read what it was told to', async () => {
    const at = place()
    const files = at.files('docs', three)
    // Roots that do not hold it: whoever may start a server on this DATA_DIR says what it may read.
    const command = at.run(['ingest', files], { INGEST_ROOTS: at.files('other', three) })
    expect(await command.ended()).toBe(0)
    expect(command.stdout).toContain('into the project docs, in this process: no server runs on this DATA_DIR')
    expect(command.stdout).toMatch(/\nDone in .*: 3 files done, 0 failed, 0 skipped, \d+ passages, /)
    expect(command.stderr).toBe('')
  })

  it('[HOST6] does not believe a record whose server is gone', async () => {
    const at = place()
    const server = await at.serve()
    server.kill('SIGKILL')
    await server.ended()
    const command = at.run(['ingest', at.files('docs', three)])
    expect(await command.ended()).toBe(0)
    expect(command.stdout).toContain('in this process')
  })

  it('[HOST6] does not believe a record whose process lives and answers nothing', async () => {
    const at = place()
    at.files('data', {
      'server.json': JSON.stringify({ pid: process.pid, url: `http://127.0.0.1:${await freePort()}`, token: 'x' }),
    })
    const command = at.run(['ingest', at.files('docs', three)])
    expect(await command.ended()).toBe(0)
    expect(command.stdout).toContain('in this process')
  })

  it('[HOST7] ends with 4 when some files failed, and lists them by cause with the reason', async () => {
    const at = place()
    const broken = '%PDF-1.4\nnothing that a PDF has'
    const files = at.files('docs', { ...three, 'x/one.pdf': broken, 'x/two.pdf': broken, 'empty.md': '' })
    const command = at.run(['ingest', files])
    expect(await command.ended()).toBe(4)
    expect(command.stdout).toMatch(
      /Failed\n {2}CORRUPT {2}It is damaged and cannot be read\. {2}2 files\n {4}x\/one\.pdf.*\n {4}x\/two\.pdf.*\n/,
    )
    expect(command.stdout).toMatch(/Skipped\n {2}EMPTY {2}There is no text in it\. {2}1 file\n/)
  })

  it('[HOST9] has a line for each phase', async () => {
    const at = place()
    const command = at.run(['ingest', at.files('docs', three)])
    await command.ended()
    for (const phase of ['Discover', 'Extract', 'Chunk', 'Index'])
      expect(command.stdout).toMatch(new RegExp(`^${phase}: `, 'm'))
    expect(command.stdout).not.toContain('\x1b')
  })

  it('[HOST10] with --json: every line of stdout is JSON, events in order, the summary last', async () => {
    const at = place()
    const command = at.run(['ingest', at.files('docs', { ...three, 'bad.pdf': '%PDF-1.4 no' }), '--json'])
    expect(await command.ended()).toBe(4)
    const lines = jsonLines(command.stdout)
    const events = lines.slice(0, -1)
    expect(events[0]).toMatchObject({ type: 'phase_started', phase: 1, phaseName: 'discover' })
    expect(events.at(-1)).toMatchObject({ type: 'ingestion_complete' })
    const offsets = events.map(({ offset }) => String(offset))
    expect(offsets).toEqual([...new Set(offsets)].sort())
    expect(lines.at(-1)).toMatchObject({
      type: 'summary',
      status: 'done',
      exitCode: 4,
      projectName: 'docs',
      files: { total: 4, done: 3, failed: 1, skipped: 0 },
      failed: [{ path: 'bad.pdf', code: 'CORRUPT' }],
    })
  })

  it('[HOST7] ends with 3 when the source cannot be reached, and says why', async () => {
    const at = place()
    const address = `http://127.0.0.1:${await freePort()}/page.html`
    const command = at.run(['ingest', address], { INGEST_PRIVATE_NETWORKS: '127.0.0.0/8' })
    expect(await command.ended()).toBe(3)
    expect(command.stdout).toMatch(/\nFailed in discover: .* \(SOURCE_UNREACHABLE\)\n$/)
  })

  it('[HOST12] Ctrl-C gives the work back, and the same command takes it up again', async () => {
    const at = place()
    const files = at.files('docs', manyFiles(1000))
    const first = at.run(['ingest', files], { INGEST_PROCESSES: '1' })
    await first.said('stdout', /^Extract: /m)
    first.kill('SIGINT')
    expect(await first.ended()).toBe(130)
    expect(first.stdout).toContain('What is done is kept; the rest goes on at the next start')
    const second = at.run(['ingest', files])
    expect(await second.ended()).toBe(0)
    expect(second.stdout).toContain(`Going on with ${files}\n`)
    // All of one ingestion: what the first had done already is not skipped as unchanged.
    expect(second.stdout).toMatch(/1\s000 files done, 0 failed, 0 skipped/)
  })
})

describe('ingest with a server', () => {
  it('[HOST6] gives the work to the server that runs, into the newest project of that name', async () => {
    const at = place()
    const server = await at.serve()
    const ask = asker(server)
    const files = at.files('docs', three)
    expect(await at.run(['ingest', files]).ended()).toBe(0)
    const again = at.run(['ingest', files])
    expect(await again.ended()).toBe(0)
    expect(again.stdout).toContain(`by the server at ${server.url}`)
    expect(again.stdout).toContain('0 files done, 0 failed, 3 skipped')
    expect(await at.run(['ingest', files, '--project', 'Elsewhere']).ended()).toBe(0)
    const projects = await ask<{ items: { id: string; name: string }[] }>('/api/projects')
    expect(projects.items.map(({ name }) => name)).toEqual(['Elsewhere', 'docs'])
    const byId = at.run(['ingest', files, '--json', '--project', projects.items[1]?.id ?? ''])
    expect(await byId.ended()).toBe(0)
    expect(jsonLines(byId.stdout).at(-1)).toMatchObject({ projectName: 'docs', skipped: { UNCHANGED: 3 } })
  })

  it('[HOST16] a project id that does not exist is refused, not made a name of', async () => {
    const at = place()
    await at.serve()
    const command = at.run(['ingest', at.files('docs', three), '--project', '01a1fe26-d4ab-73d1-8aa5-307a162e6e2a'])
    expect(await command.ended()).toBe(1)
    expect(command.stderr).toMatch(/^holdfast: There is no project .* \(NOT_FOUND\)\n$/)
  })

  it('[HOST7] a folder the server may not read: 1, and what to do about it', async () => {
    const at = place()
    const inside = at.files('inside', three)
    const server = await at.serve({ INGEST_ROOTS: inside })
    const command = at.run(['ingest', at.files('outside', three)], { INGEST_ROOTS: at.folder })
    expect(await command.ended()).toBe(1)
    expect(command.stderr).toContain(`the server at ${server.url} may not read ${join(at.folder, 'outside')}`)
    expect(command.stderr).toContain('INGEST_ROOTS')
    expect(command.stderr.trimEnd().split('\n')).toHaveLength(1)
    // What was refused leaves no project behind.
    expect((await asker(server)<{ items: unknown[] }>('/api/projects')).items).toEqual([])
  })

  it('[HOST7] ends with 3 when somebody cancels it', async () => {
    const at = place()
    const server = await at.serve({ INGEST_PROCESSES: '1' })
    const command = at.run(['ingest', at.files('docs', manyFiles(1000))])
    await command.said('stdout', /^Extract: /m)
    const { items } = await asker(server)<{ items: { id: string; ingestion: { ingestionId: string } }[] }>(
      '/api/projects',
    )
    const [project] = items
    await asker(server)(`/api/projects/${project?.id}/ingestions/${project?.ingestion.ingestionId}/cancel`, 'POST')
    expect(await command.ended()).toBe(3)
    expect(command.stdout).toMatch(/\nCancelled in \w+\. Files that were done stay searchable/)
  })

  it('[HOST12] Ctrl-C leaves the work to the server and says how to follow and cancel it', async () => {
    const at = place()
    const server = await at.serve({ INGEST_PROCESSES: '1' })
    const command = at.run(['ingest', at.files('docs', manyFiles(1000))])
    await command.said('stdout', /^Extract: /m)
    command.kill('SIGINT')
    expect(await command.ended()).toBe(130)
    const [, stream = ''] = await command.said('stdout', /holdfast tail (projects\/\S+\/ingestions\/\S+)/)
    expect(command.stdout).toContain(`${server.url}/projects/`)
    const tail = at.run(['tail', stream, '--json'])
    expect(await tail.ended()).toBe(0)
    expect(jsonLines(tail.stdout).at(-1)).toMatchObject({
      event: { type: 'ingestion_complete', result: { files: { done: 1000 } } },
    })
  })

  it('[P9i] survives kill -9 of the server: reconnects, and tells every event once and in order', async () => {
    const at = place()
    const server = await at.serve({ INGEST_PROCESSES: '1' })
    const command = at.run(['ingest', at.files('docs', manyFiles(1000)), '--json'])
    await command.said('stdout', /"phaseName":"extract"/)
    server.kill('SIGKILL')
    await command.said('stderr', /^holdfast: reconnecting \(attempt 1, in [12] s\)$/m)
    // On another port, with another token: found again by its record.
    await at.serve({ OPERATOR_TOKEN: 'another-token-of-the-operator' })
    expect(await command.ended()).toBe(0)
    const lines = jsonLines(command.stdout)
    expect(lines.at(-1)).toMatchObject({ type: 'summary', files: { total: 1000, done: 1000, failed: 0, skipped: 0 } })
    const sequence = lines.slice(0, -1).map(({ offset }) => Number(String(offset).split('_')[1]))
    expect(sequence).toEqual(sequence.map((_, index) => index + 1))
  })

  it('[HOST6] waits for a server that is just starting', async () => {
    const at = place()
    const server = await at.serve()
    const record = join(at.dataDir, 'server.json')
    const told = readFileSync(record, 'utf8')
    // As it is while the first one starts: the folder is taken, and nobody says yet where it runs.
    writeFileSync(record, '')
    const command = at.run(['ingest', at.files('docs', three)])
    await command.said('stderr', /^holdfast: a server is starting on DATA_DIR .*; waiting for it$/m)
    writeFileSync(record, told)
    expect(await command.ended()).toBe(0)
    expect(command.stdout).toContain(`by the server at ${server.url}`)
  })
})

describe('arguments', () => {
  it.each([
    [['ingest'], /<path, URL or owner\/name> is missing/],
    [['ingest', 'a', 'b'], /"b" is one argument too many/],
    [['ingest', '.', '--nonsense'], /Unknown option '--nonsense'/],
    [['ingest', '.', '--project'], /--project/],
    [['ingest', '.', '--ref', 'main'], /--ref names a branch/],
    [['tail'], /<stream> is missing/],
    [['tail', 'a', '--from', 'yesterday'], /--from is not right/],
    [['tail', '../api/projects'], /cannot be the name of a stream/],
    [['serve', '--port', '4000'], /Unknown option '--port'/],
    [['nonsense'], /there is no command "nonsense"/],
  ])('[HOST13] %j ends with 2 and one line', async (args, why) => {
    const command = place().run(args)
    expect(await command.ended()).toBe(2)
    expect(command.stderr).toMatch(why)
    expect(command.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(command.stdout).toBe('')
  })

  it.each([['ingest'], ['tail'], ['serve']])(
    '[HOST13] %s --help tells how it is used, with its exit codes',
    async (name) => {
      const command = place().run([name, '--help'])
      expect(await command.ended()).toBe(0)
      expect(command.stdout).toMatch(new RegExp(`^holdfast ${name} `))
      expect(command.stdout).toContain('Exit codes: 0 ')
    },
  )

  it('[HOST7] a path that is not there ends with 1', async () => {
    const at = place()
    const command = at.run(['ingest', 'nowhere'])
    expect(await command.ended()).toBe(1)
    expect(command.stderr).toMatch(/^holdfast: there is no file or folder at .*nowhere\n$/)
  })
})
