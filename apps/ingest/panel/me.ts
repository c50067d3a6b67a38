import type { Me } from '@holdfast/client'
import { useStreamClient } from '@holdfast/react'
import { mayManage } from '@holdfast/ui'
import { useQuery } from '@tanstack/react-query'

/** Who is asking, as the server knows them; `undefined` until it has answered. */
export function useMe(): Me | undefined {
  const client = useStreamClient()
  return useQuery({
    queryKey: ['me'],
    queryFn: () => client.me(),
    staleTime: Number.POSITIVE_INFINITY,
  }).data
}

/** Whether whoever asks may change something there (a stream's name); what is not allowed is not offered. */
export function useMayManage(stream: string): boolean {
  const me = useMe()
  return me !== undefined && mayManage(me.scope, stream)
}
