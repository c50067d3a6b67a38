import { useConnection } from '@holdfast/react'
import type { ConnectionFacts } from './describe-connection.ts'

/** What the client knows of the page's connection, in the shape the mark is drawn from. */
export function useConnectionFacts(): ConnectionFacts & { reconnect(): void } {
  return useConnection()
}
