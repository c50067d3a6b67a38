import { StreamClient } from '@holdfast/client'
import { defineStream } from '@holdfast/protocol'
import { clientWorld } from '@holdfast/testing'
import { parseHTML } from 'linkedom'
import { act, createElement } from 'react'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import * as z from 'zod/mini'
import { StreamProvider } from './stream-provider.ts'
import { useStream } from './use-stream.ts'

const sum = defineStream('sums/:id', {
  version: 1,
  events: { added: z.object({ by: z.number() }) },
  initial: { total: 0 },
  fold: (state, event) => ({ total: state.total + event.by }),
})

/** Every stream has come to its end; its state tells which it is. */
const world = clientWorld({
  fetch: async (url) => {
    const total = Number(/sums\/(\d+)/.exec(url)?.[1])
    return Response.json({ state: { total }, offset: '0000000000000001_0000000000000001', version: 1, sealed: true })
  },
})

beforeAll(() => {
  const { window, document } = parseHTML('<div id="root"></div>')
  vi.stubGlobal('window', window)
  vi.stubGlobal('document', document)
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
})
afterAll(() => vi.unstubAllGlobals())

it('[REACT3] each stream that a hook is given one after the other has an end of its own, and never the state of another', async () => {
  const { createRoot } = await import('react-dom/client')
  const completed: number[] = []
  const shown: string[] = []
  function Page({ id }: { id: string }) {
    const { state } = useStream(sum, { id }, { onComplete: ({ total }) => completed.push(total) })
    shown.push(`${id}: ${state.total}`)
    return null
  }
  const root = createRoot(document.getElementById('root') as never)
  const client = new StreamClient(world)
  const show = (id: string) =>
    act(() => root.render(createElement(StreamProvider, { client }, createElement(Page, { id }))))
  await show('1')
  await vi.waitFor(() => expect(completed).toEqual([1]))
  await show('1')
  await show('2')
  await vi.waitFor(() => expect(completed).toEqual([1, 2]))
  expect([...new Set(shown)]).toEqual(['1: 0', '1: 1', '2: 0', '2: 2'])
  await act(() => root.unmount())
  client.close()
})
