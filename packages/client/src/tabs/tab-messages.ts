import type { Offset } from '@holdfast/protocol'
import type { Append, Appended, LinkStatus, StreamReader } from '../link.ts'
import type { RequestErrorFields } from '../request.ts'

/** What the tabs of one browser say to one another. `tab` is who speaks. */
export type TabMessage =
  /** To the one that holds the connection. */
  | { type: 'open'; tab: string; stream: string; position: Offset }
  | { type: 'close'; tab: string; stream: string }
  | { type: 'append'; tab: string; ref: number; append: Append }
  | { type: 'reconnect' | 'ask'; tab: string }
  /** Of the one that holds it, to all: it has taken over, or goes on. */
  | {
      type: 'leader'
      tab: string
      isNew: boolean
      status: Omit<LinkStatus, 'role' | 'error'> & { error: ErrorFields | null }
    }
  | { type: 'frame'; tab: string; stream: string; frame: Parameters<StreamReader['receive']>[0] }
  | { type: 'reset' | 'fail'; tab: string; stream: string; error: ErrorFields }
  /** To the tab that asked. */
  | { type: 'settled'; tab: string; to: string; ref: number; appended: Appended | null; error: ErrorFields | null }

/** An error as it travels: copies of errors lose their class and their fields. */
export type ErrorFields = RequestErrorFields & { message: string }
