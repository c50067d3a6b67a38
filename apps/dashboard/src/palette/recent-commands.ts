import { readStored, writeStored } from '@holdfast/ui'

const NAME = 'recent'
const MOST = 8

/** Ids of the commands used on this device, the last one first. */
export function recentCommands(): string[] {
  try {
    const kept: unknown = JSON.parse(readStored(NAME) ?? '[]')
    return Array.isArray(kept) ? kept.filter((id) => typeof id === 'string') : []
  } catch {
    return []
  }
}

export function rememberCommand(id: string): void {
  const kept = recentCommands().filter((other) => other !== id)
  writeStored(NAME, JSON.stringify([id, ...kept].slice(0, MOST)))
}
