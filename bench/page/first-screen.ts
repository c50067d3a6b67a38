import type { Browser, BrowserContext, Page } from 'playwright-core'
import { gzipped } from '../measure/bundle-size.ts'

/** Where a page is served, and the operator's token. */
export interface PageServer {
  readonly url: string
  readonly token: string
}

/** A line and a machine slower than this one's; Chromium plays them. */
export interface Throttling {
  bitsPerSecond: number
  latencyMs: number
  /** How many times slower the processor is. */
  cpu: number
}

/** When parts of the first screen were there, in ms since the navigation began. */
export interface FirstScreen {
  /** The projects of the server stand in the list. */
  listed: number
  /** Largest contentful paint. */
  lcp: number
  /** The load event has ended. */
  loaded: number
}

const LISTED = '[data-testid=project-row]'

// Runs in the page before anything else: writes down when the list was there, and the largest paint so far.
const RECORD = `
  window.firstScreen = { listed: 0, lcp: 0 }
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.firstScreen.lcp = entry.startTime
  }).observe({ type: 'largest-contentful-paint', buffered: true })
  new MutationObserver(() => {
    if (window.firstScreen.listed > 0 || document.querySelector('${LISTED}') === null) return
    window.firstScreen.listed = performance.now()
  }).observe(document, { subtree: true, childList: true })
`

/** The cookies of somebody who is signed in. */
export async function signIn(browser: Browser, { url, token }: PageServer): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: url, serviceWorkers: 'block' })
  const page = await context.newPage()
  await page.goto(`/login?token=${token}`)
  await page.waitForURL(`${url}/`)
  await page.close()
  return context
}

/** Loads the first screen with an empty cache, as who is signed in. The server has at least one project. */
export async function loadFirstScreen(
  browser: Browser,
  server: PageServer,
  throttling?: Throttling,
): Promise<FirstScreen> {
  await using signedIn = await signIn(browser, server)
  await using context = await browser.newContext({
    baseURL: server.url,
    storageState: await signedIn.storageState(),
    serviceWorkers: 'block',
  })
  const page = await context.newPage()
  if (throttling) await throttle(page, throttling)
  await page.addInitScript({ content: RECORD })
  await page.goto('/', { waitUntil: 'load' })
  await page.locator(LISTED).first().waitFor()
  // The largest paint is told with the frame after it.
  await page.evaluate(
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))',
  )
  return page.evaluate(`({
    ...window.firstScreen,
    loaded: performance.getEntriesByType('navigation')[0].loadEventEnd,
  })`)
}

async function throttle(page: Page, { bitsPerSecond, latencyMs, cpu }: Throttling): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const bytesPerSecond = bitsPerSecond / 8
  await session.send('Network.enable')
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: latencyMs,
    downloadThroughput: bytesPerSecond,
    uploadThroughput: bytesPerSecond,
  })
  await session.send('Emulation.setCPUThrottlingRate', { rate: cpu })
}

/** The scripts the first screen asks for, and what each is in gzip. */
export async function firstScreenScripts(
  browser: Browser,
  server: PageServer,
): Promise<{ path: string; bytes: number }[]> {
  await using context = await signIn(browser, server)
  const page = await context.newPage()
  const scripts: Promise<{ path: string; bytes: number }>[] = []
  page.on('response', (response) => {
    if (response.request().resourceType() !== 'script') return
    const path = new URL(response.url()).pathname
    scripts.push(response.body().then((body) => ({ path, bytes: gzipped(body) })))
  })
  await page.goto('/', { waitUntil: 'load' })
  await page.locator(LISTED).first().waitFor()
  return Promise.all(scripts)
}
