import type { ProgressView } from '@holdfast/ingest/view'
import { FaultProxy } from '@holdfast/testing'
import type { Page } from 'playwright-core'
import type { Visitor } from './visitor.ts'
import { type BrowserWorld, describeWithServer, eventually, expect, type WorldServer } from './world.ts'

/** A server that visitors reach only by way of a proxy with faults; requests of the test itself go straight to it. */
export class ProxiedServer<Inner extends WorldServer> implements WorldServer {
  readonly inner: Inner
  readonly proxy: FaultProxy

  constructor(inner: Inner, proxy: FaultProxy) {
    this.inner = inner
    this.proxy = proxy
  }

  get url(): string {
    return this.proxy.url
  }

  get token(): string {
    return this.inner.token
  }

  request<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    return this.inner.request<Answer>(method, path, body)
  }

  /** Makes a stream of no defined kind, where there is none. */
  async makeStream(name: string): Promise<void> {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' }
    const { status } = await fetch(`${this.inner.url}/v1/stream/${name}`, { method: 'PUT', headers })
    if (status >= 300) throw new Error(`PUT ${name} answered ${status}`)
  }

  /** After a start the server may listen elsewhere. */
  follow(): void {
    this.proxy.target = portOf(this.inner)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]()
    await this.inner[Symbol.asyncDispose]()
  }
}

const portOf = ({ url }: WorldServer) => Number(new URL(url).port)

/** Tests in the browser, behind a proxy that lets everything through again before each of them. */
export function describeBehindProxy<Inner extends WorldServer>(
  name: string,
  start: () => Promise<Inner>,
  tests: (world: BrowserWorld<ProxiedServer<Inner>>) => void,
): void {
  const startBoth = async () => {
    const inner = await start()
    return new ProxiedServer(inner, await FaultProxy.open(portOf(inner)))
  }
  describeWithServer(name, startBoth, tests)
}

/** How far each phase is, in percent, as a page tells it. */
export async function percentsOf(page: Page): Promise<number[]> {
  const bars = await page.getByTestId('phases').getByRole('progressbar').all()
  return Promise.all(bars.map(async (bar) => Number(await bar.getAttribute('aria-valuenow'))))
}

/** What Chromium writes down of the faults of a proxy. */
export const FAULTS =
  /net::ERR_|WebSocket connection to .* failed|responded with a status of (401|403|50\d)|Unexpected response code/

/** The state the mark of the connection tells. */
export function connectionState(page: Page): Promise<string | null> {
  return page.getByTestId('connection').getAttribute('data-state')
}

/** Waits until the mark tells this; the bound is that of a busy machine, not of the policy. */
export async function becomes(page: Page, state: string, within = 25_000): Promise<void> {
  await eventually(() => connectionState(page), { timeout: within, interval: 30 }).toBe(state)
}

/**
 * Lets the page's clock run until the mark tells a state, and answers how much of its time that took, ms; never more
 * than `most`. The page's clock is to be installed. What the network does takes its own time in between.
 */
export async function runsUntil(page: Page, state: string, most: number): Promise<number> {
  const step = 5_000
  const matches = async () => new RegExp(`^(${state})$`).test((await connectionState(page)) ?? '')
  for (let passed = 0; passed <= most; passed += step) {
    const isThere = await expect
      .poll(matches, { timeout: 800, interval: 20 })
      .toBe(true)
      .then(
        () => true,
        () => false,
      )
    if (isThere) return passed
    await page.clock.runFor(step)
  }
  throw new Error(`the mark tells ${await connectionState(page)} after ${most} ms, and not ${state}`)
}

/** The page shows what the server knows: the percent of every phase. */
export async function agrees(
  visitor: Pick<Visitor, 'percents'>,
  server: WorldServer,
  projectId: string,
): Promise<void> {
  const known = async () => {
    const { phases } = await server.request<ProgressView>('GET', `/api/projects/${projectId}/progress`)
    return [0, 1, 2, 3].map((index) => Math.floor(phases[index]?.percent ?? 0))
  }
  await eventually(async () => ({ page: await visitor.percents(), server: await known() })).toSatisfy(
    (told: { page: number[]; server: number[] }) => String(told.page) === String(told.server),
  )
}

/** The end is told, as the server has it: every phase whole, the counts those of the result, and nothing ever fell. */
export async function endsRight(visitor: Visitor, server: WorldServer, projectId: string): Promise<void> {
  await visitor.page.getByTestId('end-done').waitFor({ timeout: 60_000 })
  expect(await visitor.percents()).toEqual([100, 100, 100, 100])
  const { result } = await server.request<ProgressView>('GET', `/api/projects/${projectId}/progress`)
  const { total: files, done, failed, skipped } = result?.files ?? {}
  await eventually(() => visitor.counts()).toEqual({ files, done, failed, skipped })
  expect(await visitor.falls()).toEqual([])
}
