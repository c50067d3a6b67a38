import { StreamClient } from '@holdfast/client'
import { StreamProvider } from '@holdfast/react'
import { clientWorld } from '@holdfast/testing'
import { parseHTML } from 'linkedom'
import { act, createElement } from 'react'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { useIngestionSocket } from './client.ts'

const OFFSET = '0000000000000001_0000000000000001'

/** Every project has one ingestion of its own name, and that is complete. */
const world = clientWorld({
  fetch: async (url) => {
    const [, projectId] = /projects\/(\w+)/.exec(decodeURIComponent(url)) ?? []
    const state = { activeIngestionId: null, newestIngestionId: projectId, queued: [] }
    if (url.includes('view=state')) return Response.json({ state, offset: OFFSET, version: 1, sealed: false })
    const view = { ingestionId: projectId, projectId, status: 'complete', currentPhase: 6, phases: [], offset: OFFSET }
    return Response.json({ ...view, result: { filesProcessed: Number(projectId?.slice(1)) } })
  },
  openSocket: () => ({ send: () => {}, close: () => {}, onopen: null, onmessage: null, onclose: null, onerror: null }),
})

beforeAll(() => {
  const { window, document } = parseHTML('<div id="root"></div>')
  vi.stubGlobal('window', window)
  vi.stubGlobal('document', document)
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
})
afterAll(() => vi.unstubAllGlobals())

it('[P2c] a hook that is given another project tells once that this is complete, and shows nothing of the one before', async () => {
  const { createRoot } = await import('react-dom/client')
  const completed: unknown[] = []
  const shown = new Set<string>()
  function Panel({ projectId }: { projectId: string }) {
    const { view } = useIngestionSocket(projectId, { onComplete: (result) => completed.push(result) })
    shown.add(`${projectId}: ${view?.projectId ?? 'nothing'}`)
    return null
  }
  const client = new StreamClient(world)
  const root = createRoot(document.getElementById('root') as never)
  const show = (projectId: string) =>
    act(() => root.render(createElement(StreamProvider, { client }, createElement(Panel, { projectId }))))
  await show('p1')
  await vi.waitFor(() => expect(completed).toEqual([{ filesProcessed: 1 }]))
  await show('p1')
  await show('p2')
  await vi.waitFor(() => expect(completed).toEqual([{ filesProcessed: 1 }, { filesProcessed: 2 }]))
  expect([...shown]).toEqual(['p1: nothing', 'p1: p1', 'p2: nothing', 'p2: p2'])
  await act(() => root.unmount())
  client.close()
})
