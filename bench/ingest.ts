/**
 * How fast and in how much memory the real server ingests a folder, beside the same extraction libraries called bare:
 *
 *   node bench/ingest.ts <folder...> [--rounds 3] [--write]
 *
 * Each round is one ingestion by a server that was just started on an empty data folder and one run of
 * bench/bare-extract.ts, in turns, so that both meet the same machine. The server is driven as any client drives it:
 * HTTP to start, WebSocket to the end. Where `<folder>.manifest.json` stands beside a folder (bench/corpus makes one),
 * every file's status is compared with it. Needs Linux: memory and CPU time are read from /proc.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import type { IngestionResult } from '../apps/ingest/streams.ts'
import type { AcceptedView, FileView, Page, ProjectView } from '../apps/ingest/view.ts'
import type { BareResult } from './bare-extract.ts'
import { type Manifest, manifestPath } from './corpus/manifest.ts'
import { type FolderReport, renderReport, type ServerRound } from './ingest-report.ts'
import { watchTree } from './measure/process-tree.ts'
import { type ServerUnderTest, startServer } from './measure/server-under-test.ts'
import { Watcher } from './measure/watcher.ts'

const BARE = fileURLToPath(new URL('./bare-extract.ts', import.meta.url))
const REPORT = fileURLToPath(new URL('./ingest.md', import.meta.url))
const LONGEST_MS = 30 * 60_000

/** One ingestion by a fresh server. */
async function measureServer(folder: string): Promise<ServerRound> {
  await using server = await startServer([folder])
  const project = await server.request<ProjectView>('POST', '/api/projects', { name: 'bench' })
  const stop = watchTree(server.pid)
  const started = performance.now()
  const accepted = await server.request<AcceptedView>('POST', `/api/projects/${project.id}/ingestions`, {
    path: folder,
  })
  const result = await watchToEnd(server, accepted.websocketUrl)
  const seconds = (performance.now() - started) / 1000
  const peaks = stop()
  const unaccounted = await compareWithManifest(server, project.id, folder, result)
  return { ...peaks, seconds, result, unaccounted }
}

async function watchToEnd(server: ServerUnderTest, url: string): Promise<IngestionResult> {
  const watcher = new Watcher(server, url)
  const timer = setTimeout(() => watcher.fail(new Error('the ingestion did not end in time')), LONGEST_MS)
  try {
    await watcher.done
  } finally {
    clearTimeout(timer)
  }
  const last = watcher.events.at(-1)
  if (last?.type !== 'ingestion_complete') throw new Error(`The ingestion ended with ${JSON.stringify(last)}`)
  return last.result as IngestionResult
}

/** Lines about files whose status is not the expected one; without a manifest, about files without a final status. */
async function compareWithManifest(
  server: ServerUnderTest,
  projectId: string,
  folder: string,
  { files: { total } }: IngestionResult,
): Promise<string[]> {
  const files = await allFiles(server, projectId)
  const lines = files.length === total ? [] : [`the result counts ${total} files, the list holds ${files.length}`]
  const open = files.filter(({ status }) => !['done', 'skipped', 'failed'].includes(status))
  lines.push(...open.map(({ path, status }) => `${path}: still ${status}`))
  if (!existsSync(manifestPath(folder))) return lines
  const manifest = JSON.parse(await readFile(manifestPath(folder), 'utf8')) as Manifest
  const expected = new Map(manifest.files.map((file) => [file.path, `${file.status} ${file.code ?? ''}`.trim()]))
  for (const { path, status, code } of files) {
    const [found, wanted] = [`${status} ${code ?? ''}`.trim(), expected.get(path)]
    if (found !== wanted) lines.push(`${path}: ${found}, expected ${wanted ?? 'not to be found'}`)
    expected.delete(path)
  }
  return [...lines, ...[...expected.keys()].map((path) => `${path}: missing`)]
}

async function allFiles(server: ServerUnderTest, projectId: string): Promise<FileView[]> {
  const files: FileView[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor === '' ? '' : `?cursor=${encodeURIComponent(cursor)}`
    const page: Page<FileView> = await server.request('GET', `/api/projects/${projectId}/files${query}`)
    files.push(...page.items)
    cursor = page.next
  }
  return files
}

async function measureBare(folder: string): Promise<BareResult> {
  const { stdout } = await promisify(execFile)(process.execPath, [BARE, folder], { maxBuffer: 64e6 })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as BareResult
}

async function measureFolder(folder: string, rounds: number): Promise<FolderReport> {
  const report: FolderReport = { folder, hasManifest: existsSync(manifestPath(folder)), server: [], bare: [] }
  for (let round = 1; round <= rounds; round += 1) {
    // In turns, and the first place changes, so that neither always finds the files in the cache.
    const steps = [
      async () => report.server.push(await measureServer(folder)),
      async () => report.bare.push(await measureBare(folder)),
    ]
    for (const step of round % 2 === 1 ? steps : steps.toReversed()) await step()
    console.error(`${folder}: round ${round} of ${rounds} done`)
  }
  return report
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, write: { type: 'boolean', default: false } },
})
const rounds = Number(values.rounds)
if (positionals.length === 0 || !Number.isSafeInteger(rounds) || rounds < 1) {
  console.error('usage: node bench/ingest.ts <folder...> [--rounds 3] [--write]')
  process.exit(1)
}
const reports: FolderReport[] = []
for (const folder of positionals) reports.push(await measureFolder(resolve(folder), rounds))
const text = renderReport(reports)
console.log(text)
if (values.write) await writeFile(REPORT, text)
if (reports.some(({ server }) => server.some(({ unaccounted }) => unaccounted.length > 0))) process.exitCode = 1
