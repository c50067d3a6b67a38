import type { ServerProcess } from '../../apps/dashboard/browser/test-support/server.ts'
import type { Visitor, VisitorOptions } from '../../apps/dashboard/browser/test-support/visitor.ts'
import type { Places } from './fill-server.ts'

export interface Stage {
  server: ServerProcess
  places: Places
  /** What `before` answered. */
  state: string
}

/** One state of one page. */
export interface Scene {
  name: string
  /** The whole length of the page instead of the first screen. */
  whole?: boolean
  visitor?: VisitorOptions
  before?(server: ServerProcess, places: Places): Promise<string>
  /** Done by all of the visitors before any goes on to `show`. */
  arrive?(visitor: Visitor, stage: Stage): Promise<void>
  show(visitor: Visitor, stage: Stage): Promise<void>
  after?(server: ServerProcess): Promise<void>
}
