import type { Browser, Page } from 'playwright-core'
import type { PhaseMetrics } from '../../apps/ingest/streams.ts'
import type { ProgressView } from '../../apps/ingest/view.ts'
import type { PacedIngestion, PacedServer } from '../measure/paced-server.ts'
import { type PageServer, signIn } from './first-screen.ts'

// As many as an hour of an ingestion tells, at its two a second.
export const EVENTS_OF_AN_HOUR = 7_200
// Events that are appended in one commit while an hour is played.
const BATCH = 40

/** A page that shows an ingestion under way, which says nothing but what is played to it. */
export interface LivePage extends AsyncDisposable {
  readonly page: Page
  readonly ingestion: PacedIngestion
}

/** Opens the page of a new ingestion, by way of `server`, and waits until it is live. */
export async function openLivePage(
  browser: Browser,
  paced: PacedServer,
  server: PageServer = paced,
  before: (page: Page) => Promise<void> = async () => {},
): Promise<LivePage> {
  const context = await signIn(browser, server)
  const ingestion = await paced.ingest('Watched', 40)
  const page = await context.newPage()
  await page.addInitScript({ content: RECORD_MARKS })
  await before(page)
  await page.goto(`/projects/${ingestion.projectId}`)
  await page.locator('[data-testid=connection][data-state=connected]').waitFor()
  await untilQuiet(paced, ingestion)
  return {
    page,
    ingestion,
    async [Symbol.asyncDispose]() {
      ingestion.letAll()
      await context.close()
    },
  }
}

// Longer than the half second between two reports of an ingestion.
const QUIET_MS = 1_200

/** Waits until its files wait to be let through and nothing more is told of them. */
async function untilQuiet(server: PacedServer, { projectId }: PacedIngestion): Promise<void> {
  const read = () => server.request<ProgressView>('GET', `/api/projects/${projectId}/progress`)
  for (let before = await read(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
    const now = await read()
    if (now.currentPhase === 2 && now.offset === before.offset) return
    before = now
  }
}

/** The event of that number, from 1: a report of the second phase, whose current file is its mark. */
export function progressEvent(number: number, of: number) {
  const metrics: PhaseMetrics = {
    filesTotal: of,
    filesDone: number,
    filesFailed: 0,
    filesSkipped: 0,
    bytesTotal: of * 10_000,
    bytesDone: number * 10_000,
    chunks: number * 3,
    currentFile: `mark-${number}.md`,
    ratePerSecond: 2,
    secondsLeft: (of - number) / 2,
  }
  return { type: 'progress_update', phase: 2, progressPercent: (number / of) * 99, metrics } as const
}

/** Plays an hour of events, as fast as the server takes them, and waits until the last one is on the screen. */
export async function playAnHour({ page, ingestion }: LivePage): Promise<void> {
  for (let first = 1; first <= EVENTS_OF_AN_HOUR; first += BATCH) {
    const events = Array.from({ length: BATCH }, (_, index) => progressEvent(first + index, EVENTS_OF_AN_HOUR))
    await ingestion.append(...events)
  }
  await page.getByText(`mark-${EVENTS_OF_AN_HOUR}.md`).waitFor()
}

/** Bytes of script the page holds after its garbage was collected. */
export async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.enable')
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize
}

/**
 * Appends that many events, so many ms apart, and answers how long each took to the screen: from before it was
 * committed to the frame that shows it. An event that is on no frame, since the next was there already, took as long
 * as that one's.
 */
export async function measureToScreen(live: LivePage, events: number, everyMs: number): Promise<number[]> {
  const { page, ingestion } = live
  const sent: number[] = []
  for (let number = 1; number <= events; number += 1) {
    const due = new Promise((resolve) => setTimeout(resolve, everyMs))
    sent[number] = Date.now()
    await ingestion.append(progressEvent(number, events))
    await due
  }
  await page.getByText(`mark-${events}.md`).waitFor()
  const shown = await page.evaluate<Record<string, number>>('window.shownMarks')
  const times: number[] = []
  let later = Date.now()
  for (let number = events; number > 0; number -= 1) {
    later = shown[number] ?? later
    times.push(later - (sent[number] ?? 0))
  }
  return times
}

// Runs in the page before anything else: writes down in which frame a mark was first on the screen. Unix ms.
const RECORD_MARKS = `
  window.shownMarks = {}
  const look = (text) => {
    const [, mark] = /mark-(\\d+)\\.md/.exec(text ?? '') ?? []
    if (mark === undefined || mark in window.shownMarks) return
    window.shownMarks[mark] = Infinity
    requestAnimationFrame(() => setTimeout(() => { window.shownMarks[mark] = Date.now() }))
  }
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      look(target.textContent.length < 200 ? target.textContent : '')
      for (const node of addedNodes) look(node.textContent)
    }
  }).observe(document, { subtree: true, childList: true, characterData: true })
`
