import type { StreamClient } from '@holdfast/client'
import { createContext, createElement, type ReactNode, useContext } from 'react'

const StreamContext = createContext<StreamClient | null>(null)

/** Gives a page its one client. */
export function StreamProvider({ client, children }: { client: StreamClient; children: ReactNode }): ReactNode {
  return createElement(StreamContext, { value: client }, children)
}

/** The page's client; throws outside a StreamProvider. */
export function useStreamClient(): StreamClient {
  const client = useContext(StreamContext)
  if (client === null) throw new Error('There is no StreamProvider above this component.')
  return client
}
