import type { RunWait } from '@holdfast/protocol/runs'

/** Whether only a person can give what is waited for. */
export function isForPeople(wait: RunWait): boolean {
  switch (wait.kind) {
    case 'decision':
    case 'parked':
    case 'version':
      return true
    case 'event':
      return wait.name === 'approval' || wait.question !== undefined
    default:
      return false
  }
}
