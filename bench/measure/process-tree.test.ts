import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { parseStat, sampleTree, watchTree } from './process-tree.ts'

const onLinux = it.runIf(process.platform === 'linux')

describe('sampleTree', () => {
  onLinux('[P9d] counts a process and the children of its children, and nobody else', async () => {
    const grandchild = `setInterval(() => {}, 1000)`
    const script = `const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}])
      child.once('spawn', () => process.stdout.write('ready'))
      process.stdin.once('end', () => { child.kill(); child.once('exit', () => process.exit()) }).resume()`
    const child = spawn(process.execPath, ['-e', script])
    await once(child.stdout, 'data')
    const { pid = 0 } = child
    const both = sampleTree(pid)
    expect(both.processes).toBe(2)
    // Two Node processes share most of their program's pages.
    expect(both.pssBytes).toBeGreaterThan(10e6)
    expect(both.rssBytes).toBeGreaterThan(both.pssBytes)
    const exited = once(child, 'exit')
    child.stdin.end()
    await exited
    expect(sampleTree(pid).processes).toBe(0)
  })

  onLinux('[P9d] counts the CPU time of children that have already ended', async () => {
    const stop = watchTree(process.pid, 10_000)
    const busy = spawn(process.execPath, ['-e', 'while (process.cpuUsage().user < 300_000);'])
    await once(busy, 'exit')
    const { cpuSeconds, ownCpuSeconds } = stop()
    expect(cpuSeconds).toBeGreaterThan(0.25)
    expect(cpuSeconds - ownCpuSeconds).toBeGreaterThan(0.25)
  })

  it('[P9d] reads a stat line whose program name holds spaces and parentheses', () => {
    const line = '42 (a) b (c)) S 7 42 42 0 -1 0 1 2 3 4 150 50 30 20 20 0 1 0 99'
    expect(parseStat(42, line)).toEqual({ pid: 42, parent: 7, cpuSeconds: 2.5, ownCpuSeconds: 2 })
    expect(parseStat(42, '')).toBeNull()
  })
})
