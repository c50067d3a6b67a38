import { readdirSync, readFileSync } from 'node:fs'

/** Reads what Linux tells about processes in /proc; there is no such thing elsewhere. */
const PAGE_BYTES = 4096
/** USER_HZ: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

interface ProcessStat {
  pid: number
  parent: number
  /** User and system time of the process and of the children it has waited for. */
  cpuSeconds: number
  /** The same without the children. */
  ownCpuSeconds: number
}

/** Numbers of a process and all of its descendants at one moment. */
export interface TreeSample {
  processes: number
  /** Sum of resident memory: pages that several processes share count once for each of them. */
  rssBytes: number
  /** Sum of proportional set sizes: a shared page is divided among its users. What the machine really gives. */
  pssBytes: number
  cpuSeconds: number
  /** Of that, what the first process spent itself; the rest is its children's. */
  ownCpuSeconds: number
}

/** The process and its descendants; a process that ends while it is read is left out. */
export function sampleTree(root: number, withPss = true): TreeSample {
  const sample: TreeSample = { processes: 0, rssBytes: 0, pssBytes: 0, cpuSeconds: 0, ownCpuSeconds: 0 }
  for (const { pid, cpuSeconds, ownCpuSeconds } of tree(root)) {
    sample.cpuSeconds += cpuSeconds
    if (pid === root) sample.ownCpuSeconds = ownCpuSeconds
    const rss = Number(readProc(pid, 'statm').split(' ')[1] ?? 0) * PAGE_BYTES
    if (rss === 0) continue
    sample.processes += 1
    sample.rssBytes += rss
    if (withPss) sample.pssBytes += Number(/^Pss:\s+(\d+)/m.exec(readProc(pid, 'smaps_rollup'))?.[1] ?? 0) * 1024
  }
  return sample
}

function tree(root: number): ProcessStat[] {
  const children = new Map<number, ProcessStat[]>()
  const found: ProcessStat[] = []
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? parseStat(Number(name), readProc(Number(name), 'stat')) : null
    if (!stat) continue
    if (stat.pid === root) found.push(stat)
    else children.set(stat.parent, [...(children.get(stat.parent) ?? []), stat])
  }
  // Grows while it is walked: a breadth-first search.
  for (const { pid } of found) found.push(...(children.get(pid) ?? []))
  return found
}

/** Source: proc_pid_stat(5). The name in parentheses may hold anything, so fields are counted from its end. */
export function parseStat(pid: number, text: string): ProcessStat | null {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields.length < 16) return null
  const [user = 0, system = 0, childrensUser = 0, childrensSystem = 0] = fields.slice(11, 15).map(Number)
  const own = user + system
  return {
    pid,
    parent: Number(fields[1]),
    cpuSeconds: (own + childrensUser + childrensSystem) / TICKS_PER_SECOND,
    ownCpuSeconds: own / TICKS_PER_SECOND,
  }
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

export interface TreePeaks {
  peakRssBytes: number
  peakPssBytes: number
  peakProcesses: number
  /** Spent between start and stop. */
  cpuSeconds: number
  ownCpuSeconds: number
  samples: number
}

/** Samples a process tree every `intervalMs` until the returned function is called, which gives the peaks. */
export function watchTree(root: number, intervalMs = 100): () => TreePeaks {
  const before = sampleTree(root)
  const peaks: TreePeaks = {
    peakRssBytes: 0,
    peakPssBytes: 0,
    peakProcesses: 0,
    cpuSeconds: 0,
    ownCpuSeconds: 0,
    samples: 0,
  }
  const take = () => {
    const now = sampleTree(root)
    peaks.peakRssBytes = Math.max(peaks.peakRssBytes, now.rssBytes)
    peaks.peakPssBytes = Math.max(peaks.peakPssBytes, now.pssBytes)
    peaks.peakProcesses = Math.max(peaks.peakProcesses, now.processes)
    // A process that is gone and not yet waited for is in nobody's count; the sum must not fall for it.
    peaks.cpuSeconds = Math.max(peaks.cpuSeconds, now.cpuSeconds - before.cpuSeconds)
    peaks.ownCpuSeconds = Math.max(peaks.ownCpuSeconds, now.ownCpuSeconds - before.ownCpuSeconds)
    peaks.samples += 1
  }
  take()
  const timer = setInterval(take, intervalMs)
  return () => {
    clearInterval(timer)
    take()
    return peaks
  }
}
