import type { ClientWorld } from '@holdfast/client'
import { ManualClock } from './manual-clock.ts'

/** The world of a client that is alone and online, whose time stands still: with what a test answers, and no WebSockets. */
export function clientWorld(own: Pick<ClientWorld, 'fetch'> & Partial<ClientWorld>): ClientWorld {
  return {
    baseUrl: 'http://test',
    clock: new ManualClock(),
    random: () => 0.5,
    id: () => 'id',
    openSocket: () => null,
    connectivity: { online: () => true, subscribe: () => () => {} },
    ...own,
  }
}
