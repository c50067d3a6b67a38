import { HoldfastError } from '@holdfast/protocol'

/** Who asks. The operator may do everything on this server. */
export interface Principal {
  kind: 'operator'
  id: string
}

export type Action = 'read' | 'append' | 'manage'

/** Whether `principal` may do `action` on what `stream` names (a stream, or the prefix an app's data stands under). */
export function can(principal: Principal | null, _action: Action, _stream: string): boolean {
  return principal?.kind === 'operator'
}

/** Throws UNAUTHENTICATED where nobody is known, FORBIDDEN where somebody may not. */
export function demand(principal: Principal | null, action: Action, stream: string): void {
  if (!principal)
    throw new HoldfastError('UNAUTHENTICATED', 'Sign in with the link the server printed when it started.')
  if (!can(principal, action, stream)) throw new HoldfastError('FORBIDDEN', `You may not ${action} "${stream}".`)
}
