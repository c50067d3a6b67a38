import { HoldfastError } from '@holdfast/protocol'
import { ManualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { gatedParser } from './fixtures/gate.ts'
import { createIngestWorld, sharedParser, watched } from './fixtures/world.ts'

// The machine may be busy with other tests.
const PATIENCE = { timeout: 20_000, interval: 10 }

describe('Trouble that is nobody’s file', () => {
  it('[ING11] a full disk is waited out: the ingestion goes on by itself, and no file is blamed', async () => {
    const clock = new ManualClock(Date.now())
    const inner = await sharedParser()
    let isFull = true
    const parser = watched(inner, {
      async extract(file, type, output, signal) {
        if (isFull && file.endsWith('c.md')) throw new HoldfastError('STORAGE_FULL', 'no space left on device')
        return inner.extract(file, type, output, signal)
      },
    })
    await using world = await createIngestWorld({ clock, ingest: { parser } })
    await world.write({ 'a.md': 'A.', 'b.md': 'B.', 'c.md': 'C.', 'd.md': 'D.' })
    const projectId = await world.project()
    const { ingestionId } = await world.start(projectId)
    await expect.poll(() => runStatus(world, ingestionId), PATIENCE).toBe('queued again')
    expect(await world.progress(projectId)).toMatchObject({ status: 'working', error: null })
    isFull = false
    // When it is due is told by the store's own clock where it has one, and looked at by ours.
    const isOver = async () => {
      clock.advance(6_000)
      return (await world.progress(projectId)).status === 'done'
    }
    await expect.poll(isOver, PATIENCE).toBe(true)
    const events = await world.end(projectId, ingestionId)
    expect(events.at(-1)).toMatchObject({ type: 'ingestion_complete', result: { files: { total: 4, done: 4 } } })
    expect(events.filter(({ type }) => type === 'phase_started')).toHaveLength(4)
  })

  it('[ING11] a stop in the middle is no end: the next start goes on, before what was queued behind', async () => {
    const gate = await gatedParser()
    await using world = await createIngestWorld({ durable: true, ingest: { parser: gate.parser } })
    await world.write(Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`${n}.md`, `# ${n}\n\nWords.\n`])))
    const projectId = await world.project()
    const held = gate.hold('extract')
    const first = await world.start(projectId)
    await held
    const second = await world.start(projectId)
    const socket = world.http.socket(`/api/projects/${projectId}/progress?ingestion=${first.ingestionId}`)
    await socket.opened
    gate.open()
    await world.http.restart()
    expect(await socket.ended).toMatchObject({ code: 4000 })
    const events = await world.end(projectId, first.ingestionId)
    expect(events.at(-1)).toMatchObject({ type: 'ingestion_complete', result: { files: { total: 12, done: 12 } } })
    expect((await world.end(projectId, second.ingestionId)).at(-1)).toMatchObject({
      result: { files: { skipped: 12 } },
    })
    const project = await world.http.get<{ type: string; ingestionId: string }[]>(`/v1/stream/projects/${projectId}`)
    const ends = project.filter(({ type }) => type === 'ingestion_ended').map(({ ingestionId }) => ingestionId)
    expect(ends).toEqual([first.ingestionId, second.ingestionId])
  })

  it('[ING11] an error of ours ends the ingestion with a code, says nothing of the inside, and can be retried', async () => {
    const inner = await sharedParser()
    let isBroken = true
    const parser = watched(inner, {
      async chunk(...given) {
        if (isBroken) throw new Error('secret detail of the inside')
        return inner.chunk(...given)
      },
    })
    await using world = await createIngestWorld({ ingest: { parser } })
    await world.write({ 'a.md': 'A.' })
    const projectId = await world.project()
    const { ingestionId, events, last } = await world.ingest(projectId)
    expect(last).toMatchObject({ type: 'error', phase: 3, errorCode: 'INTERNAL_ERROR', recoverable: true })
    expect(JSON.stringify(events)).not.toContain('secret')
    isBroken = false
    const retried = await world.retry(projectId, ingestionId, { scope: 'all' })
    expect((await world.end(projectId, retried.ingestionId)).at(-1)).toMatchObject({ result: { files: { done: 1 } } })
  })
})

/** As the runs' table has it; a run that was given back has been attempted before. */
async function runStatus(world: Awaited<ReturnType<typeof createIngestWorld>>, id: string) {
  const [run] = await world.http.db.read<{ status: string; attempt: number }>({
    sql: 'SELECT status, attempt FROM runs WHERE id = ?',
    params: [id],
  })
  return run?.status === 'queued' && run.attempt > 0 ? 'queued again' : run?.status
}
