import type { Paged, StepView } from '@holdfast/protocol/runs'
import { describe, expect, it } from 'vitest'
import { StepPages } from './step-pages.ts'

const SIZE = 10

/** A server's steps, in pages of ten; `asked` are the cursors it was asked with. */
class Steps {
  readonly steps: StepView[] = []
  readonly asked: (string | null)[] = []

  add(count: number, status: StepView['status'] = 'done'): void {
    for (let index = 0; index < count; index += 1) this.steps.push(stepOf(`step ${this.steps.length}`, status))
  }

  readonly read = async (cursor: string | null): Promise<Paged<StepView>> => {
    this.asked.push(cursor)
    const from = Number(cursor ?? 0)
    const next = from + SIZE
    return {
      items: this.steps.slice(from, next).map((step) => ({ ...step })),
      nextCursor: next < this.steps.length ? String(next) : null,
    }
  }
}

function stepOf(key: string, status: StepView['status']): StepView {
  return {
    key,
    status,
    effect: 'idempotent',
    provider: null,
    runId: 'r1',
    reused: false,
    attempt: 1,
    tries: 1,
    startedAt: '2026-11-22T00:00:00.000Z',
    endedAt: null,
    error: null,
    retryAt: null,
    output: null,
  }
}

async function opened(server: Steps): Promise<StepPages> {
  const pages = new StepPages(server.read)
  pages.subscribe(() => {})
  await settled(pages)
  return pages
}

async function settled(pages: StepPages): Promise<void> {
  await expect.poll(() => pages.getSnapshot().isReading || !pages.getSnapshot().isRead).toBe(false)
}

describe('the steps of a run', () => {
  it('[PG62] are read a page at a time, each when it is asked for', async () => {
    const server = new Steps()
    server.add(25)
    const pages = await opened(server)
    expect(pages.getSnapshot()).toMatchObject({ hasMore: true, error: null })
    expect(pages.getSnapshot().steps).toHaveLength(10)
    for (const count of [20, 25]) {
      pages.more()
      await settled(pages)
      expect(pages.getSnapshot().steps).toHaveLength(count)
    }
    pages.more()
    expect(pages.getSnapshot()).toMatchObject({ hasMore: false, isReading: false })
    expect(server.asked).toEqual([null, '10', '20'])
  })

  it('[PG62] that are done are not read again: only from the first page on that may have changed', async () => {
    const server = new Steps()
    server.add(20)
    server.add(3, 'working')
    const pages = await opened(server)
    pages.more()
    await settled(pages)
    pages.more()
    await settled(pages)
    server.asked.length = 0
    for (const step of server.steps) step.status = 'done'
    server.add(1, 'working')
    pages.refresh()
    await settled(pages)
    expect(server.asked).toEqual(['20'])
    expect(
      pages
        .getSnapshot()
        .steps.map(({ status }) => status)
        .slice(20),
    ).toEqual(['done', 'done', 'done', 'working'])
    pages.refresh(true)
    await settled(pages)
    expect(server.asked).toEqual(['20', null, '10', '20'])
  })

  it('[PG62] are read once more after a change that came while they were read', async () => {
    const server = new Steps()
    server.add(1, 'working')
    const pages = await opened(server)
    server.asked.length = 0
    for (let time = 0; time < 50; time += 1) pages.refresh()
    await settled(pages)
    expect(server.asked.length).toBeLessThanOrEqual(2)
    server.steps.length = 0
    pages.refresh()
    await settled(pages)
    expect(pages.getSnapshot().steps).toEqual([])
  })

  it('[PG62] stay when reading them again fails, which is told', async () => {
    const server = new Steps()
    server.add(3, 'working')
    let isAway = false
    const pages = new StepPages((cursor) => (isAway ? Promise.reject(new Error('away')) : server.read(cursor)))
    pages.subscribe(() => {})
    await settled(pages)
    isAway = true
    pages.refresh()
    await expect.poll(() => pages.getSnapshot().error).toEqual(new Error('away'))
    expect(pages.getSnapshot().steps).toHaveLength(3)
    isAway = false
    pages.refresh()
    await expect.poll(() => pages.getSnapshot().error).toBeNull()
  })

  it('[PG61] stand in the order of their starts, those of one moment by their ends and names', async () => {
    const server = new Steps()
    const at = (ms: number) => new Date(Date.UTC(2026, 10, 22, 0, 0, 0, ms)).toISOString()
    const add = (key: string, startedAt: string, endedAt: string | null) =>
      server.steps.push({ ...stepOf(key, endedAt ? 'done' : 'working'), startedAt, endedAt })
    add('page 10', at(5), at(6))
    add('page 9', at(5), at(6))
    add('runs on', at(5), null)
    add('short', at(5), at(5))
    add('first', at(1), at(9))
    const pages = await opened(server)
    expect(pages.getSnapshot().steps.map(({ key }) => key)).toEqual(['first', 'short', 'page 9', 'page 10', 'runs on'])
  })

  it('[PG62] are read when somebody looks again after nobody did', async () => {
    const server = new Steps()
    server.add(3)
    const pages = new StepPages(server.read)
    const leave = pages.subscribe(() => {})
    leave()
    pages.subscribe(() => {})
    await settled(pages)
    expect(pages.getSnapshot().steps).toHaveLength(3)
  })
})
