import { type Statement, statement } from '../db/database.ts'
import { bytesOf } from './event-statements.ts'

/** One append as `holdfast_put` takes it (log/postgres-functions.ts). */
export interface AppendElement {
  stream: string
  /** In stored form. */
  texts: readonly string[]
  seal: boolean
  /**
   * An append from the inside, at this moment, in Unix milliseconds; the stream is made where it is missing.
   */
  at?: number
  /** An append from outside, at this moment. */
  now?: number
  /** Must be the stream's. */
  media_type?: string
  /** It goes to this incarnation, whatever is written of its end. */
  known_id?: number
  last_seq?: string
  producer?: string
  epoch?: number
  seq?: number
}

const PUT = 'SELECT element, incarnation, tail FROM holdfast_put(CAST(? AS json))'

/** The append as one statement, which many may share. It gives `incarnation` and `tail`, or no row where it is refused. */
export function putStatement({ texts, seal, ...rest }: AppendElement, expect: Statement['expect']): Statement {
  const element = { ...rest, texts, count: texts.length, bytes: bytesOf(texts), seal: seal ? 1 : 0 }
  return { ...statement(PUT, [JSON.stringify([element])], expect), isList: true }
}
