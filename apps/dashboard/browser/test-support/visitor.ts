import { readFileSync } from 'node:fs'
import { until } from '@holdfast/testing'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'

const RECORD_PROGRESS = readFileSync(new URL('record-progress.js', import.meta.url), 'utf8')

/** For what takes its time: the work itself, a server that starts. */
export const WAIT = { timeout: 60_000, interval: 50 }

/** Where a visitor comes to: the server itself, or what stands before it. */
export interface VisitedServer {
  readonly url: string
  /** The operator's. */
  readonly token: string
  request<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>
}

export interface VisitorOptions {
  /** Default 1280 by 800. */
  width?: number
  /** Default light. */
  theme?: 'light' | 'dark'
  /** A thumb instead of a mouse. Default false. */
  touch?: boolean
  /** Asks for no motion. Default false. */
  still?: boolean
  /** Default true: comes by the operator's link. */
  signedIn?: boolean
}

/** A fall of a progress bar within one task. */
export interface Fall {
  bar: string
  from: number
  to: number
}

/** Somebody with a browser profile of their own, at the real page. What goes wrong around them is written down. */
export class Visitor {
  readonly page: Page
  readonly #context: BrowserContext
  readonly #server: VisitedServer
  readonly #seen: string[] = []
  readonly #expected: RegExp[] = []

  private constructor(context: BrowserContext, page: Page, server: VisitedServer) {
    this.#context = context
    this.page = page
    this.#server = server
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.#seen.push(`console: ${message.text()}`)
    })
    page.on('pageerror', (error) => this.#seen.push(`uncaught: ${error.message}`))
    page.on('request', (request) => this.#watch(request.url()))
    page.on('websocket', (socket) => this.#watch(socket.url().replace(/^ws/, 'http')))
  }

  static async arrive(browser: Browser, server: VisitedServer, options: VisitorOptions = {}): Promise<Visitor> {
    const { width = 1280, theme = 'light', touch = false, still = false, signedIn = true } = options
    const context = await browser.newContext({
      baseURL: server.url,
      viewport: { width, height: width < 500 ? 760 : 800 },
      hasTouch: touch,
      isMobile: touch,
      colorScheme: theme,
      reducedMotion: still ? 'reduce' : 'no-preference',
      locale: 'en-GB',
      serviceWorkers: 'block',
    })
    context.setDefaultTimeout(20_000)
    await context.addInitScript({ content: RECORD_PROGRESS })
    const visitor = new Visitor(context, await context.newPage(), server)
    if (signedIn) await visitor.page.goto(`/login?token=${server.token}`)
    return visitor
  }

  /** Errors and warnings of the console, errors nobody caught, requests to other origins. */
  get troubles(): string[] {
    return this.#seen.filter((text) => !this.#expected.some((pattern) => pattern.test(text)))
  }

  /** Makes a project through the server's interface and goes to its page. */
  async openNewProject(name: string): Promise<string> {
    const { id } = await this.#server.request<{ id: string }>('POST', '/api/projects', { name })
    await this.page.goto(`/projects/${id}`)
    return id
  }

  /** How far each phase is, in percent, as the page tells it. */
  async percents(): Promise<number[]> {
    const bars = await this.page.getByTestId('phases').getByRole('progressbar').all()
    return Promise.all(bars.map(async (bar) => Number(await bar.getAttribute('aria-valuenow'))))
  }

  /** Every bar of a phase that ever fell, reloads included, as an observer within the page saw it. */
  falls(): Promise<Fall[]> {
    return this.page.evaluate('window.progressFalls')
  }

  /** Waits until a phase works and is so far, in percent. */
  async reaches(phase: 'discover' | 'extract' | 'chunk' | 'index', percent: number): Promise<void> {
    const bar = this.page.getByTestId(`phase-${phase}`).getByRole('progressbar')
    const isThere = async () => Number(await bar.getAttribute('aria-valuenow')) >= percent
    await until(isThere, { what: `${percent} % of ${phase}`, seconds: 60, everyMs: 30 })
  }

  /** Holds a file or a whole folder of this machine over the page, as a file manager does; answers how to let it go. */
  async dragOver(path: string): Promise<() => Promise<void>> {
    const session = await this.#context.newCDPSession(this.page)
    const data = { items: [], files: [path], dragOperationsMask: 1 }
    const send = (type: 'dragEnter' | 'dragOver' | 'drop') =>
      session.send('Input.dispatchDragEvent', { type, x: 200, y: 300, data })
    await send('dragEnter')
    await send('dragOver')
    await this.page.getByTestId('drop-overlay').waitFor()
    return async () => {
      await send('drop')
      await session.detach()
    }
  }

  /** The four counts the page shows of an ingestion. */
  async counts(): Promise<{ files: number; done: number; failed: number; skipped: number }> {
    const count = async (name: string) => {
      const text = await read(this.page.getByTestId(`count-${name}`))
      return Number(text.replace(/[^0-9]/g, ''))
    }
    return {
      files: await count('files'),
      done: await count('done'),
      failed: await count('failed'),
      skipped: await count('skipped'),
    }
  }

  /** What Chromium itself writes down of something that is meant to happen is no trouble of the page. */
  expectTrouble(pattern: RegExp): void {
    this.#expected.push(pattern)
  }

  async leave(): Promise<void> {
    await this.#context.close()
  }

  #watch(url: string): void {
    if (/^https?:/.test(url) && new URL(url).origin !== this.#server.url) this.#seen.push(`another origin: ${url}`)
  }
}

/** The text of an element as a person reads it: what is hidden is not in it. */
export function read(locator: Locator): Promise<string> {
  return locator.innerText()
}

/** What Chromium writes down of an answer with this status. */
export function answered(status: number): RegExp {
  return new RegExp(`responded with a status of ${status}|Unexpected response code: ${status}`)
}

/** What Chromium writes down when somebody goes on to another page before the first one was connected. */
export const LEFT_EARLY = /WebSocket is closed before the connection is established/

/** What Chromium writes down when the server goes. */
export const LOSS = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket connection to .* failed/
