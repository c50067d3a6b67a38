import { type ClientWorld, StreamClient } from '@holdfast/client'
import { defineStream } from '@holdfast/protocol'
import { clientWorld } from '@holdfast/testing'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod/mini'
import { StreamProvider } from './stream-provider.ts'
import { useConnection } from './use-connection.ts'
import { useStream } from './use-stream.ts'

const sum = defineStream('sums/:id', {
  version: 1,
  events: { added: z.object({ by: z.number() }) },
  initial: { total: 0 },
  fold: (state, event) => ({ total: state.total + event.by }),
  clientAppend: true,
})

/** A world in which whatever is asked of it is written down, and never answered. */
function quietWorld(): ClientWorld & { asked: string[] } {
  const asked: string[] = []
  const fetch = (url: string) => {
    asked.push(url)
    return new Promise<never>(() => {})
  }
  const openSocket = (url: string) => {
    asked.push(url)
    return null
  }
  return { ...clientWorld({ fetch, openSocket }), asked }
}

describe('the hooks', () => {
  it('[REACT1] render on a server what is known before anything was read, and ask for nothing', () => {
    function Page() {
      const { state, connection, offset } = useStream(sum, { id: 's' })
      const page = useConnection()
      return createElement(
        'p',
        null,
        `${state.total} ${connection.state} ${offset} ${page.connection.state} ${page.queued}`,
      )
    }
    const world = quietWorld()
    const client = new StreamClient(world)
    const html = renderToString(createElement(StreamProvider, { client }, createElement(Page)))
    expect(html).toBe('<p>0 disconnected null disconnected 0</p>')
    expect(world.asked).toEqual([])
  })

  it('[REACT2] take their types from the definition', () => {
    function Page() {
      const { state, append } = useStream(sum, { id: 's' })
      expectTypeOf(state).toEqualTypeOf<{ total: number }>()
      expectTypeOf(append).parameter(0).toMatchTypeOf<{ type: 'added'; by: number }>()
      // @ts-expect-error: the pattern asks for an id
      useStream(sum, { name: 's' })
      // @ts-expect-error: no such event
      void (() => append({ type: 'taken', by: 1 }))
      return null
    }
    const client = new StreamClient(quietWorld())
    const page = createElement(StreamProvider, { client }, createElement(Page))
    // The name that is asked for without an id is none.
    expect(() => renderToString(page)).toThrow('cannot stand in a stream')
  })

  it('[REACT1] say so where there is no client above them', () => {
    function Page() {
      useConnection()
      return null
    }
    expect(() => renderToString(createElement(Page))).toThrow('There is no StreamProvider above this component.')
  })
})
