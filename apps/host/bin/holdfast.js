#!/usr/bin/env node
// The door for whatever Node a machine has: goes on under a Node that runs TypeScript as it is and has node:sqlite.
// Plain JavaScript, so that an old Node can read it and say what is missing.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const main = join(here, '..', 'src', 'main.ts')
const { platform, arch, execPath, versions } = process
const modules = join(here, '..', '..', '..', 'node_modules')
// The program itself: what stands in .bin on Windows is a script, which cannot be spawned.
const pinned = ['node', 'node-bin']
  .map((name) => join(modules, `${name}-${platform === 'win32' ? 'win' : platform}-${arch}`, 'bin'))
  .map((folder) => join(folder, platform === 'win32' ? 'node.exe' : 'node'))
  .find((file) => existsSync(file))
const isPinned = pinned !== undefined && realpathSync(pinned) === realpathSync(execPath)

if (isPinned || (pinned === undefined && Number(versions.node.split('.')[0]) >= 24)) {
  await import(pathToFileURL(main).href)
} else if (pinned !== undefined) {
  const child = spawn(pinned, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  // A Ctrl-C in a terminal reaches the child by itself; coming twice within a moment it counts once.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
} else {
  process.stderr.write(`holdfast: needs Node 24 or newer (this is ${versions.node}); run npm ci to have one\n`)
  process.exit(1)
}
