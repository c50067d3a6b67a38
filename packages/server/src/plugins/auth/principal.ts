import { HoldfastError } from '@holdfast/protocol'
import { type Action, allows } from './scopes.ts'

/** Who asks, and what they may do. */
export interface Principal {
  kind: 'operator' | 'user' | 'service'
  id: string
  /** See `parseScope`. */
  scope: readonly string[]
}

export type { Action }

/** The id of the operator, whoever that is. */
export const OPERATOR_ID = 'operator'

/** How long a session lasts, and all tokens that are renewed from one another, in milliseconds. */
export const SESSION_MS = 30 * 24 * 3600 * 1000

/** What kind of principal an id is of: `operator`, `services/<name>`, and everybody else is a user. */
export function kindOf(id: string): Principal['kind'] {
  if (id === OPERATOR_ID) return 'operator'
  return id.startsWith('services/') ? 'service' : 'user'
}

/** Whether `principal` may do `action` on what `stream` names (a stream, or the prefix an app's data stands under). */
export function can(principal: Principal | null, action: Action, stream: string): boolean {
  return principal !== null && allows(principal.scope, action, stream)
}

/** Throws UNAUTHENTICATED where nobody is known, FORBIDDEN where somebody may not. */
export function demand(principal: Principal | null, action: Action, stream: string): void {
  if (!principal)
    throw new HoldfastError('UNAUTHENTICATED', 'Sign in with the link the server printed when it started.')
  if (!can(principal, action, stream)) throw new HoldfastError('FORBIDDEN', `You may not ${action} "${stream}".`)
}
