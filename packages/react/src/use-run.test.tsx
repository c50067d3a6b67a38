import { RequestError, StreamClient } from '@holdfast/client'
import { HoldfastError } from '@holdfast/protocol'
import { INITIAL_RUN_STATE, type RunState, runStream } from '@holdfast/protocol/runs'
import { clientWorld, ManualClock } from '@holdfast/testing'
import { parseHTML } from 'linkedom'
import { act, createElement } from 'react'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { StreamProvider } from './stream-provider.ts'
import { type UseRun, useRun } from './use-run.ts'

interface Sent {
  path: string
  key: string | null
  body: unknown
}

const offset = '0000000000000001_0000000000000007'
const working: RunState = { ...INITIAL_RUN_STATE, status: 'working', name: 'mail', attempt: 1, worker: 'w1' }
const ended: RunState = { ...INITIAL_RUN_STATE, status: 'done', name: 'mail' }

let clock: ManualClock
let sent: Sent[]
/** What the server answers to the commands, one after the other; the last one stays. */
let answers: (() => Response)[]
let client: StreamClient

const receipt = { commandId: 'c1', command: 'cancel', run: { id: 'r1' } }
const problem = (error: HoldfastError) => () =>
  Response.json(error.toProblem(), {
    status: error.status,
    headers: error.retryAfter === undefined ? {} : { 'retry-after': String(error.retryAfter) },
  })
const unreachable = () => {
  throw new TypeError('fetch failed')
}

beforeAll(() => {
  const { window, document } = parseHTML('<div id="root"></div>')
  vi.stubGlobal('window', window)
  vi.stubGlobal('document', document)
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
})
afterAll(() => vi.unstubAllGlobals())

beforeEach(() => {
  clock = new ManualClock()
  sent = []
  answers = [() => Response.json(receipt, { status: 202 })]
  let ids = 0
  const world = clientWorld({
    clock,
    id: () => `id${++ids}`,
    fetch: async (url, init) => {
      if (url.includes('view=state')) {
        const isEnded = url.includes('/runs/old')
        return Response.json({ state: isEnded ? ended : working, offset, version: runStream.version, sealed: isEnded })
      }
      if (init?.method !== 'POST') return new Promise<never>(() => {})
      const headers = new Headers(init.headers as Record<string, string>)
      const path = url.slice('http://test'.length)
      sent.push({ path, key: headers.get('idempotency-key'), body: JSON.parse(String(init.body)) })
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      return (answer ?? unreachable)()
    },
  })
  client = new StreamClient(world)
})

/** Shows the runs one after the other in one hook; gives what it gave for each. */
async function show(...ids: string[]): Promise<{ shown: UseRun[]; completed: string[]; close(): Promise<void> }> {
  const { createRoot } = await import('react-dom/client')
  const shown: UseRun[] = []
  const completed: string[] = []
  function Page({ id }: { id: string }) {
    shown.push(useRun(id, { onComplete: ({ status }) => completed.push(`${id} ${status}`) }))
    return null
  }
  const root = createRoot(document.getElementById('root') as never)
  for (const id of ids) {
    await act(() => root.render(createElement(StreamProvider, { client }, createElement(Page, { id }))))
    await vi.waitFor(() => expect(shown.at(-1)?.offset).toBe(offset))
  }
  const close = async () => {
    await act(() => root.unmount())
    client.close()
  }
  return { shown, completed, close }
}

async function run(id = 'r1'): Promise<UseRun> {
  const { shown, close } = await show(id)
  await close()
  return shown.at(-1) as UseRun
}

describe('useRun', () => {
  it('[REACT4] shows how the run stands, and tells once of its end', async () => {
    const { shown, completed, close } = await show('r1', 'old', 'old')
    expect(shown[0]?.state).toEqual(INITIAL_RUN_STATE)
    expect(shown.find(({ state }) => state.status === 'working')).toMatchObject({ state: working, offset, error: null })
    expect(shown.at(-1)).toMatchObject({ state: ended, connection: { state: 'completed' } })
    await vi.waitFor(() => expect(completed).toEqual(['old done']))
    await close()
  })

  it('[REACT5] sends each command to its path, with what belongs to it, and gives the acknowledgement', async () => {
    const page = await run()
    expect(await page.cancel()).toEqual(receipt)
    await page.pause()
    await page.resume()
    await page.steer('Leave out the images.')
    await page.approve()
    await page.approve('Looks right.')
    await page.reject('Wrong address.')
    await page.signal('answer', { choice: [1, null] })
    await page.retry()
    await page.retry({ from: 'start', input: { files: [] } })
    expect(sent.map(({ path, body }) => [path, body])).toEqual([
      ['/api/runs/r1/cancel', {}],
      ['/api/runs/r1/pause', {}],
      ['/api/runs/r1/resume', {}],
      ['/api/runs/r1/steer', { message: 'Leave out the images.' }],
      ['/api/runs/r1/approve', {}],
      ['/api/runs/r1/approve', { comment: 'Looks right.' }],
      ['/api/runs/r1/reject', { comment: 'Wrong address.' }],
      ['/api/runs/r1/signals', { name: 'answer', payload: { choice: [1, null] } }],
      ['/api/runs/r1/retry', {}],
      ['/api/runs/r1/retry', { from: 'start', input: { files: [] } }],
    ])
    expect(new Set(sent.map(({ key }) => key)).size).toBe(10)
    expect(sent.every(({ key }) => key !== null)).toBe(true)
  })

  it('[REACT5] keeps its functions as long as the run is the same', async () => {
    const { shown, close } = await show('r1', 'r1', 'r2')
    const cancels = new Set(shown.map(({ cancel }) => cancel))
    expect(cancels.size).toBe(2)
    await shown.at(-1)?.cancel()
    await shown[0]?.cancel()
    expect(sent.map(({ path }) => path)).toEqual(['/api/runs/r2/cancel', '/api/runs/r1/cancel'])
    await close()
  })

  it('[REACT6] sends a command again under its own id where no answer came, and not for ever', async () => {
    const page = await run()
    answers = [unreachable, problem(new HoldfastError('UNAVAILABLE')), () => Response.json(receipt, { status: 202 })]
    const first = page.pause()
    for (const tries of [2, 3]) {
      await vi.waitFor(() => expect(sent).toHaveLength(tries - 1))
      await vi.waitFor(() => {
        clock.advance(4_000)
        expect(sent).toHaveLength(tries)
      })
    }
    expect(await first).toEqual(receipt)
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1)

    sent = []
    answers = [unreachable]
    const second = page.pause().catch((error: unknown) => error)
    await vi.waitFor(() => {
      clock.advance(10_000)
      expect(sent).toHaveLength(4)
    })
    expect(await second).toBeInstanceOf(RequestError)
    expect(await second).toMatchObject({ code: 'UNREACHABLE' })
    expect(sent).toHaveLength(4)
  })

  it('[REACT6] throws every other refusal at once, and one that asks for a long wait', async () => {
    const page = await run()
    const refusals = [
      new HoldfastError('ALREADY_ENDED'),
      new HoldfastError('FORBIDDEN'),
      new HoldfastError('NOT_FOUND'),
      new HoldfastError('TOO_MANY_REQUESTS', undefined, { retryAfter: 60 }),
    ]
    for (const refusal of refusals) {
      sent = []
      answers = [problem(refusal)]
      const thrown = await page.cancel().catch((error: unknown) => error)
      expect(thrown).toBeInstanceOf(RequestError)
      expect(thrown).toMatchObject({ code: refusal.code, status: refusal.status })
      expect(sent).toHaveLength(1)
    }
  })
})
