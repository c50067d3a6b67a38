import type { Me } from '@holdfast/client'
import { useStreamClient } from '@holdfast/react'
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

/** Whether scopes allow to manage a stream. */
export function mayManage(scope: readonly string[], stream: string): boolean {
  return scope.some((one) => {
    const [action, pattern = ''] = splitOnce(one)
    return action === 'manage' && covers(pattern, stream)
  })
}

/** `projects/p1/*` covers `projects/p1` and all below it; `*` everything. */
function covers(pattern: string, stream: string): boolean {
  if (pattern === '*' || pattern === stream) return true
  if (!pattern.endsWith('/*')) return false
  const above = pattern.slice(0, -2)
  return stream === above || stream.startsWith(`${above}/`)
}

function splitOnce(scope: string): [string, string] {
  const at = scope.indexOf(':')
  return at === -1 ? [scope, ''] : [scope.slice(0, at), scope.slice(at + 1)]
}
