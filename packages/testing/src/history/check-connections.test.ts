import { expect, it } from 'vitest'
import { checkConnections } from './check-connections.ts'
import type { LineEnd } from './cutting-proxy.ts'
import { History } from './history.ts'

const reader = { reader: 'r', stream: 's', manner: 'sse' }

/** What is found of a connection that was ended by that party, while only the store was away or not. */
function found(by: LineEnd, isOutage: boolean): string[] {
  const history = new History()
  history.outage(true)
  history.connected(reader, 1000)
  history.outage(isOutage)
  history.lineEnded(1000, by)
  history.outage(false)
  return checkConnections(history).map(({ kind }) => kind)
}

it('[HIST17] a connection the server ended while only its store was away is found', () => {
  expect(found('server', true)).toEqual(['sent home'])
  expect(found('server', false)).toEqual([])
  expect(found('cut', true)).toEqual([])
  expect(found('client', true)).toEqual([])
})

it('[HIST17] so is a subscription the server ended on a connection that stands', () => {
  const history = new History()
  const [ended, left] = [history.connected(reader), history.connected(reader)]
  history.outage(true)
  history.disconnected(left, 'client')
  history.disconnected(left, 'server')
  expect(checkConnections(history)).toEqual([])
  history.disconnected(ended, 'server')
  expect(checkConnections(history).map(({ kind }) => kind)).toEqual(['sent home'])
})
