import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '@holdfast/testing'
import type { ServerProcess } from '../../apps/dashboard/browser/test-support/server.ts'
import { makeMixedFiles } from '../../bench/corpus/make-mixed-files.ts'

/** Ids of projects, each in a state of its own. */
export interface Places {
  empty: string
  done: string
  failed: string
  cancelled: string
}

/** Projects in every state that stands still. */
export async function fillServer(server: ServerProcess): Promise<Places> {
  const handbook = await makeFolder(server, 'keeping-bees', 64)
  await makeFolder(server, 'long', 400)
  const places: Places = {
    empty: await makeProject(server, 'Reading list'),
    cancelled: await makeProject(
      server,
      'Field recordings and their transcripts, 1987 to 2024, in the order they were made',
    ),
    failed: await makeProject(server, 'apollo-docs'),
    done: await makeProject(server, 'Keeping bees'),
  }
  await ingest(server, places.done, { path: handbook })
  await ended(server, places.done)
  // Again: what is unchanged is skipped.
  await ingest(server, places.done, { path: join(handbook, 'part-1') })
  await ended(server, places.done)
  await ingest(server, places.done, { path: handbook })
  await ended(server, places.done)
  await ingest(server, places.failed, { url: 'https://no-such-host.invalid/handbook' })
  await ended(server, places.failed)
  const cancelled = await ingest(server, places.cancelled, { path: join(server.root, 'long') })
  await server.request('POST', `/api/projects/${places.cancelled}/ingestions/${cancelled}/cancel`, {})
  await ended(server, places.cancelled)
  return places
}

export async function makeProject(server: ServerProcess, name: string): Promise<string> {
  return (await server.request<{ id: string }>('POST', '/api/projects', { name })).id
}

/** Answers the ingestion's id. */
export async function ingest(server: ServerProcess, project: string, source: object): Promise<string> {
  const path = `/api/projects/${project}/ingestions`
  return (await server.request<{ ingestionId: string }>('POST', path, source)).ingestionId
}

export async function ended(server: ServerProcess, project: string): Promise<void> {
  const hasEnded = async () => {
    const { status } = await server.request<{ status: string }>('GET', `/api/projects/${project}/progress`)
    return status !== 'queued' && status !== 'working'
  }
  await until(hasEnded, { what: `the end of ${project}`, seconds: 120, everyMs: 50 })
}

async function makeFolder(server: ServerProcess, name: string, files: number): Promise<string> {
  const folder = join(server.root, name)
  await mkdir(folder, { recursive: true })
  await makeMixedFiles(folder, { files, seed: name })
  await mkdir(join(folder, 'notes/from the archive of the harbour office/volume 12'), { recursive: true })
  await writeFile(join(folder, 'notes/broken.pdf'), '%PDF-1.7\nand then nothing that a PDF has')
  await writeFile(join(folder, 'notes/broken.docx'), 'PK\u0003\u0004 and nothing more')
  await writeFile(
    join(folder, 'notes/from the archive of the harbour office/volume 12/letters-of-the-lighthouse-keeper.md'),
    '# Letters\n\nThe lighthouse keeper counted forty-one seals at slack water.\n',
  )
  return folder
}
