import { style } from '../terminal.ts'
import { printable } from '../text-width.ts'
import type { Beginning, Leaving } from './report.ts'

/** What is about to happen, in the words of the page. */
export function introduction(what: Beginning): string {
  const { label, projectName, serverUrl, isOwnServer, isResumed, isBehind } = what
  const where = isOwnServer ? 'in this process: no server runs on this DATA_DIR' : `by the server at ${serverUrl}`
  const doing = isResumed ? 'Going on with' : 'Ingesting'
  const lines = [`${doing} ${style.bold(label)}`, style.dim(`into the project ${printable(projectName)}, ${where}`)]
  if (isBehind) lines.push('It waits until the earlier ingestion of this project has ended.')
  return `${lines.join('\n')}\n\n`
}

/** What becomes of an ingestion nobody watches any more, and what can be done about it. */
export function farewell({ isOwnServer, serverUrl, dataDir, stream }: Leaving, projectId: string): string {
  if (isOwnServer) {
    return `
Stopped. What is done is kept; the rest goes on at the next start on ${printable(dataDir)}:
give the same command again, or npx holdfast serve with this folder among its INGEST_ROOTS.
`
  }
  return `
Not watched any more; the server goes on with it.
  Follow it:         npx holdfast tail ${stream}
  See or cancel it:  ${serverUrl}/projects/${projectId}
`
}
