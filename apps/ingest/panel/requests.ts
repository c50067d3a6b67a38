import type { StreamClient } from '@holdfast/client'

type Requester = Pick<StreamClient, 'request'>

/** The path of a project's resource. What is not given in `params` is left out. */
export function pathOf(
  projectId: string,
  rest = '',
  params: Record<string, string | number | null | undefined> = {},
): string {
  return `/api/projects/${encodeURIComponent(projectId)}${rest}${queryOf(params)}`
}

export function queryOf(params: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return query && `?${query}`
}

export function json(body: object) {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** Asks for a cancel; it is carried out a moment later, and told by the ingestion's stream. */
export function cancelIngestion(client: Requester, projectId: string, ingestionId: string): Promise<unknown> {
  return client.request(pathOf(projectId, `/ingestions/${encodeURIComponent(ingestionId)}/cancel`), json({}))
}
