import { HoldfastError } from '@holdfast/protocol'
import { expect, it } from 'vitest'
import { IngestService, type IngestServiceDeps } from './service.ts'

/** A service whose parts fail one after the other: taking an upload in, or starting its ingestion. */
function failingAt(part: 'commit' | 'start') {
  const fail = async () => {
    throw new HoldfastError('OUTCOME_UNKNOWN')
  }
  let discarded = 0
  const upload = {
    files: 1,
    add: async () => {},
    commit: part === 'commit' ? fail : async () => {},
    discard: async () => {
      discarded += 1
    },
  }
  const deps = {
    services: { newId: () => 'u1', logger: { warn: () => {} } },
    projects: { get: async () => ({ id: 'p1' }) },
    sources: { openUpload: async () => upload, validate: fail },
  }
  return { service: new IngestService(deps as unknown as IngestServiceDeps), discarded: () => discarded }
}

it('[ING16] an upload is kept for an ingestion of unknown outcome, and for nothing else', async () => {
  for (const [part, times] of [
    ['commit', 1],
    ['start', 0],
  ] as const) {
    const { service, discarded } = failingAt(part)
    await expect(service.ingestUpload('p1', async () => {})).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' })
    expect(discarded(), part).toBe(times)
  }
})
