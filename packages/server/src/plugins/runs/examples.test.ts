import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunDetails } from '@holdfast/protocol/runs'
import { createTestWorld, type TestWorld } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const DOCUMENT = new URL('../../../../../docs/runs.md', import.meta.url)

let world: TestWorld
let folder: string
let worker: ChildProcess | null
beforeEach(async () => {
  worker = null
  folder = mkdtempSync(join(tmpdir(), 'holdfast-worker-'))
  world = await createTestWorld({ durable: true, apps: () => [] })
})
afterEach(async () => {
  // It is the first of a group of its own, with what it has begun.
  if (worker?.pid !== undefined && worker.exitCode === null) process.kill(-worker.pid, 'SIGKILL')
  await world[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** The first example of that language that docs/runs.md has as a program. */
function example(language: string, holds: string): string {
  const blocks = readFileSync(DOCUMENT, 'utf8').matchAll(/^```(\w+)\n(.*?)^```$/gms)
  const found = [...blocks].find(([, of, text = '']) => of === language && text.includes(holds))
  if (!found?.[2]) throw new Error(`docs/runs.md has no example in ${language}`)
  return found[2]
}

const has = (program: string) => spawnSync(program, ['--version']).status === 0

describe('the workers of docs/runs.md', () => {
  const programs = [
    ['bash', 'bash', has('bash') && has('curl')],
    ['python', 'python3', has('python3')],
  ] as const
  for (const [language, program, isThere] of programs) {
    it.skipIf(!isThere)(`[X3c][RUNAPI13] work as they are printed: ${language}`, async () => {
      const text = example(language, 'queue/claim')
      expect(text.trim().split('\n').length).toBeLessThanOrEqual(40)
      const { token } = await world.post<{ token: string }>('/api/auth/token', {
        subject: 'services/measure',
        scope: ['manage:runs/*'],
      })
      const file = join(folder, 'worker')
      // So that it comes to give signs of life: whose heartbeat is refused ends there.
      writeFileSync(file, text.replace('sleep 15', 'sleep 0.05').replace('$(wc', '$(sleep 0.5; wc'))
      const env = { ...process.env, HOLDFAST: world.url, TOKEN: token }
      let said = ''
      worker = spawn(program, [file], { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
      for (const stream of [worker.stdout, worker.stderr]) stream?.on('data', (data) => (said += data))
      for (const [input, words] of [
        ['three short words', 3],
        ['one', 1],
      ] as const) {
        const { id } = await world.post<RunDetails>('/api/runs', {
          name: 'measure',
          version: 1,
          input: { text: input },
        })
        const read = () => world.get<RunDetails>(`/api/runs/${id}`)
        await expect.poll(async () => (await read()).status).toBe('done')
        expect((await read()).result).toEqual({ words })
      }
      expect(said).toBe('')
    })
  }
})
