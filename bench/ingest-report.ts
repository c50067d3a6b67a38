import { availableParallelism, cpus } from 'node:os'
import { basename } from 'node:path'
import type { IngestionResult } from '../apps/ingest/streams.ts'
import type { BareResult } from './bare-extract.ts'
import type { TreePeaks } from './measure/process-tree.ts'

/** One ingestion: from the request that started it to the close that says completed. */
export interface ServerRound extends TreePeaks {
  seconds: number
  result: IngestionResult
  /** Files whose status is not the expected one, in words. */
  unaccounted: string[]
}

export interface FolderReport {
  folder: string
  /** Whether the expected status of each file was known. */
  hasManifest: boolean
  server: ServerRound[]
  bare: BareResult[]
}

/** bench/ingest.md: how it was measured, and a table for each folder. */
export function renderReport(reports: FolderReport[]): string {
  const model = cpus()[0]?.model ?? 'unknown processor'
  const rounds = reports[0]?.server.length ?? 0
  return `# Ingesting a folder

Written by \`node bench/ingest.ts --write\` on Node ${process.versions.node}, ${availableParallelism()} cores (${model}),
${process.platform}. Best of ${rounds} rounds by time and by CPU, highest of ${rounds} for memory; the server and the bare loop take turns.

- **server**: a fresh \`holdfast serve\`, from \`POST …/ingestions\` to the close that says completed: discover, extract,
  chunk and index, every step durable, files parsed in processes of their own.
- **bare**: \`bench/bare-extract.ts\`, the same libraries in one loop in one process: hash and extract, nothing kept.
- **files per CPU second**: files by the processor time of all processes together, so it compares per core.
- **RSS** counts a page that several processes share once for each; **PSS** divides it among them. The bare loop is one process.
- Watching (a sample of /proc every 100 ms, one WebSocket) takes about 4 % of one core beside the server and is not counted.
${reports.map(renderFolder).join('')}`
}

function renderFolder({ folder, hasManifest, server, bare }: FolderReport): string {
  const { files, bytes } = server[0]?.result ?? { files: { total: 0, done: 0, failed: 0, skipped: 0 }, bytes: 0 }
  const ours = {
    seconds: least(server.map(({ seconds }) => seconds)),
    cpu: least(server.map(({ cpuSeconds }) => cpuSeconds)),
    ownCpu: least(server.map(({ ownCpuSeconds }) => ownCpuSeconds)),
    rss: most(server.map(({ peakRssBytes }) => peakRssBytes)) / 1e6,
    pss: most(server.map(({ peakPssBytes }) => peakPssBytes)) / 1e6,
  }
  const peer = {
    files: bare[0]?.files ?? 0,
    bytes: bare[0]?.bytes ?? 0,
    seconds: least(bare.map(({ seconds }) => seconds)),
    cpu: least(bare.map(({ cpuSeconds }) => cpuSeconds)),
    rss: (most(bare.map(({ peakRssMb }) => peakRssMb)) * 1024 * 1024) / 1e6,
  }
  const row = (name: string, a: number, b: number | null, digits = 1) =>
    `| ${name} | ${a.toFixed(digits)} | ${b === null ? '' : b.toFixed(digits)} | ${b === null || b === 0 ? '' : (a / b).toFixed(2)} |`
  const perCore = [files.total / ours.cpu, peer.files / peer.cpu] as const
  const [done, skipped, failed] = [files.done, files.skipped, files.failed]
  const unaccounted = server.flatMap((round) => round.unaccounted)
  return `
## ${basename(folder)}

${files.total} files: ${done} done, ${skipped} skipped, ${failed} failed, each for a stated reason; ${peer.files} of them are regular files
of ${(peer.bytes / 1e6).toFixed(1)} MB together, which is what the bare loop reads. ${accounting(unaccounted, hasManifest)}

| | server | bare | server / bare |
|---|---|---|---|
${[
  row('seconds', ours.seconds, peer.seconds, 2),
  row('files/s', files.total / ours.seconds, peer.files / peer.seconds),
  row('MB/s', bytes / 1e6 / ours.seconds, peer.bytes / 1e6 / peer.seconds, 2),
  row('CPU seconds', ours.cpu, peer.cpu, 2),
  row('of these, the server process itself', ours.ownCpu, null, 2),
  row('files per CPU second', ...perCore),
  row('peak RSS, MB', ours.rss, peer.rss, 0),
  row('peak PSS, MB', ours.pss, null, 0),
].join('\n')}

Rounds, seconds: server ${list(server.map(({ seconds }) => seconds))}; bare ${list(bare.map(({ seconds }) => seconds))}.
CPU seconds: server ${list(server.map(({ cpuSeconds }) => cpuSeconds))}; bare ${list(bare.map(({ cpuSeconds }) => cpuSeconds))}.
`
}

function accounting(lines: string[], hasManifest: boolean): string {
  const against = hasManifest
    ? 'each with the status and the code its manifest expects.'
    : 'there is no manifest to compare them with.'
  if (lines.length === 0) return `Every file has ended; ${against}`
  const shown = [...new Set(lines)].slice(0, 20).map((line) => `\n- ${line}`)
  return `**${lines.length} files are not as expected:**${shown.join('')}`
}

const least = (values: number[]) => Math.min(...values)
const most = (values: number[]) => Math.max(...values)
const list = (values: number[]) => values.map((value) => value.toFixed(2)).join(', ')
