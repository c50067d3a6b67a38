import { RequestError } from '@holdfast/client'
import { type IngestionState, ingestionStream } from '@holdfast/ingest/streams'
import type { ProjectView } from '@holdfast/ingest/view'
import { systemClock } from '@holdfast/protocol'
import { readCommandLine } from '../command-line.ts'
import { readConfig } from '../config.ts'
import { type Interrupts, listenForInterrupts } from '../interrupts.ts'
import { terminalWorld } from '../local-server.ts'
import { Stop } from '../stop.ts'
import { type Begun, IngestClient } from './ingest-client.ts'
import { type IngestServer, openIngestServer } from './ingest-server.ts'
import { jsonReport } from './json-report.ts'
import { liveReport } from './live-report.ts'
import { plainReport } from './plain-report.ts'
import type { Report, Summary } from './report.ts'
import { isSameSource, type NamedSource, readSource } from './source.ts'

const USAGE = `holdfast ingest <path, URL or owner/name> [options]

  Ingests a folder or file, a page, a sitemap or a repository on GitHub, and watches it to its end. The server that
  runs on DATA_DIR does the work; where none runs, one is started for as long as it takes.

  --project <name or id>   where it goes; by default a project named after the folder, host or repository.
                           The newest project of that name is used, or a new one is made
  --sitemap                the URL is a sitemap: ingest the pages it lists
  --ref <ref>              branch, tag or commit of the repository
  --json                   each event as a line of JSON, and last a line {"type":"summary", …}

  Exit codes: 0 done, 1 it could not be started or watched, 2 wrong usage, 3 it ended with an error or was cancelled,
  4 done, but some files failed, 130 Ctrl-C (a separate server goes on with the work)
`

/** `holdfast ingest`: starts an ingestion and watches it. Answers the exit code. */
export async function ingest(args: readonly string[]): Promise<number> {
  const { values, positionals } = readCommandLine(args, {
    name: 'ingest',
    usage: USAGE,
    options: { project: { type: 'string' }, sitemap: { type: 'boolean' }, ref: { type: 'string' } },
    positionals: ['<path, URL or owner/name>'],
  })
  const source = readSource(positionals[0] ?? '', { sitemap: values.sitemap === true, ref: values.ref }, process.cwd())
  const config = readConfig(process.env, process.cwd())
  const interrupts = listenForInterrupts({ process })
  const server = await openIngestServer(config, source, interrupts.signal)
  const report = chooseReport(values.json === true)
  // Whatever ends the process, the cursor comes back.
  process.once('exit', () => report.close())
  try {
    return await carryOut({
      source,
      server,
      report,
      interrupts,
      project: values.project ?? source.projectName,
      dataDir: config.dataDir,
    })
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    throw new Stop(`${error.message} (${error.code})`)
  } finally {
    report.close()
    await server.close()
  }
}

interface Work {
  source: NamedSource
  server: IngestServer
  report: Report
  interrupts: Interrupts
  /** Its name or id. */
  project: string
  dataDir: string
}

async function carryOut(work: Work): Promise<number> {
  const { source, server, report, interrupts, dataDir } = work
  const client = new IngestClient(terminalWorld(server.address))
  if (interrupts.signal.aborted) return interrupts.exitCode
  const known = await client.findProject(work.project)
  const unfinished = known?.ingestion?.completedAt === null ? known.ingestion : null
  // Stopped with the server that was this command's own, and taken up again by this one.
  const resumed = server.isOwn && unfinished && isSameSource(source, unfinished.source) ? unfinished : null
  const { project, ingestionId } = known && resumed ? { project: known, ...resumed } : await begin(client, work, known)
  report.begin({
    label: source.label,
    projectName: project.name,
    serverUrl: server.address().url,
    isOwnServer: server.isOwn,
    isResumed: resumed !== null,
    isBehind: unfinished !== null && resumed === null,
  })
  let last: IngestionState | null = null
  await client.follow(project.id, ingestionId, {
    onEvent: (event, offset, state) => {
      last = state
      report.event(event, offset, state)
    },
    onConnection: (connection) => report.connection(connection),
    signal: interrupts.signal,
  })
  const summary = await summarise(client, project, ingestionId, last, interrupts)
  if (interrupts.cause === 'SIGPIPE') return interrupts.exitCode
  if (summary.status === 'left') {
    const stream = ingestionStream.name({ projectId: project.id, ingestionId })
    report.left(summary, { isOwnServer: server.isOwn, serverUrl: server.address().url, dataDir, stream })
    return summary.exitCode
  }
  await report.end(summary, (group) => client.files(project.id, ingestionId, group))
  return summary.exitCode
}

/** Into the project where there is one, else into a new one, which is not made where the source is refused. */
async function begin(client: IngestClient, work: Work, known: ProjectView | null): Promise<Begun> {
  const { source, server } = work
  try {
    return known ? await client.begin(known, source.body) : await client.beginNew(work.project, source.body)
  } catch (error) {
    if (!(error instanceof RequestError) || error.code !== 'PATH_NOT_ALLOWED') throw error
    const roots = await client.roots()
    throw new Stop(
      `the server at ${server.address().url} may not read ${source.label}: it is not inside ${roots.join(', ')}. ` +
        'Start the server with INGEST_ROOTS set to a folder above it, or drop the files on its page (PATH_NOT_ALLOWED)',
    )
  }
}

async function summarise(
  client: IngestClient,
  project: ProjectView,
  ingestionId: string,
  state: IngestionState | null,
  interrupts: Interrupts,
): Promise<Summary> {
  const known = { ingestionId, projectId: project.id, projectName: project.name }
  const { result = null, error = null } = state ?? {}
  if (state === null || state.completedAt === null) {
    return { ...known, status: 'left', exitCode: interrupts.exitCode, result: null, error: null, groups: [] }
  }
  const status = state.status === 'done' || state.status === 'cancelled' ? state.status : 'failed'
  const groups = await client.groups(project.id, ingestionId)
  return { ...known, status, exitCode: exitCodeOf(status, result), result, error, groups }
}

function exitCodeOf(status: 'done' | 'failed' | 'cancelled', result: IngestionState['result']): number {
  if (status !== 'done') return 3
  return (result?.files.failed ?? 0) > 0 ? 4 : 0
}

function chooseReport(json: boolean): Report {
  const { stdout, stderr } = process
  if (json) return jsonReport(stdout, stderr)
  // Too low a window would scroll away under the bars, and a dumb terminal cannot move its cursor.
  const canRedraw = stdout.isTTY && process.env.TERM !== 'dumb' && (stdout.rows ?? 24) >= 8
  if (!canRedraw) return plainReport(stdout, stderr)
  return liveReport({ output: stdout, columns: () => stdout.columns ?? 80, clock: systemClock })
}
