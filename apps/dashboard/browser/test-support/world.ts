import { findChromium, launchChromium, NO_CHROMIUM } from '@holdfast/testing/chromium'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ServerProcess } from './server.ts'
import { type VisitedServer, Visitor, type VisitorOptions } from './visitor.ts'

/** A server visitors come to, and how it ends. */
export type WorldServer = VisitedServer & AsyncDisposable

export interface BrowserWorld<Server extends WorldServer = ServerProcess> {
  readonly server: Server
  readonly browser: Browser
  /** Leaves by itself at the end of the test; whatever went wrong around it fails the test. */
  visitor(options?: VisitorOptions): Promise<Visitor>
}

interface WorldOptions {
  /** More of the server's environment, known only when the tests begin. */
  env?: () => Record<string, string> | Promise<Record<string, string>>
}

/**
 * Tests with the system's Chromium and the real server, both for all of them. Where there is no browser they are
 * skipped and one line says how to have them; with `CI=true` that is a failure.
 */
export function describeInBrowser(
  name: string,
  tests: (world: BrowserWorld) => void,
  options: WorldOptions = {},
): void {
  describeWithServer(name, async () => ServerProcess.start(await options.env?.()), tests)
}

/** The same with a server of another making. */
export function describeWithServer<Server extends WorldServer>(
  name: string,
  start: () => Promise<Server>,
  tests: (world: BrowserWorld<Server>) => void,
): void {
  const executable = findChromium(process.env)
  if (executable === null) {
    const line = `${name}: skipped, for ${NO_CHROMIUM}`
    if (process.env.CI === 'true') throw new Error(line)
    process.stderr.write(`${line}\n`)
  }
  describe.skipIf(executable === null)(name, { timeout: 90_000 }, () => {
    let server: Server
    let browser: Browser
    const visitors: Visitor[] = []
    beforeAll(async () => {
      ;[server, browser] = await Promise.all([start(), launchChromium(executable ?? '')])
    }, 180_000)
    afterAll(async () => {
      await browser?.close()
      await server?.[Symbol.asyncDispose]()
    })
    afterEach(async () => {
      const left = visitors.splice(0)
      for (const visitor of left) await visitor.leave()
      expect(left.flatMap(({ troubles }) => troubles)).toEqual([])
    })
    tests({
      get server() {
        return server
      },
      get browser() {
        return browser
      },
      async visitor(wanted) {
        const visitor = await Visitor.arrive(browser, server, wanted)
        visitors.push(visitor)
        return visitor
      },
    })
  })
}

export { expect, it }

/** An expectation of what comes in its own time; the bound is far beyond what a busy machine needs. */
export function eventually<T>(ask: () => T, within: { timeout: number; interval: number } = SOON) {
  return expect.poll(ask, within)
}

const SOON = { timeout: 20_000, interval: 50 }
