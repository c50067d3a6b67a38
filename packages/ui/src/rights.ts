/** Whether scopes allow to manage a stream. What is not allowed is not offered. */
export function mayManage(scope: readonly string[], stream: string): boolean {
  return may(['manage'], scope, stream)
}

/** Whether scopes allow to read a stream: to manage is to read. */
export function mayRead(scope: readonly string[], stream: string): boolean {
  return may(['read', 'manage'], scope, stream)
}

function may(actions: readonly string[], scope: readonly string[], stream: string): boolean {
  return scope.some((one) => {
    const [action, pattern = ''] = splitOnce(one)
    return actions.includes(action) && covers(pattern, stream)
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
