import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { findChromium, launchChromium, NO_CHROMIUM } from '@holdfast/testing/chromium'
import type { Browser } from 'playwright-core'
import { ServerProcess } from '../apps/dashboard/browser/test-support/server.ts'
import { Visitor, type VisitorOptions } from '../apps/dashboard/browser/test-support/visitor.ts'
import { WorkServer } from '../apps/dashboard/browser/test-support/work-server.ts'
import { fillServer, type Places } from './screenshots/fill-server.ts'
import { RUN_SCENES, type RunScene } from './screenshots/run-scenes.ts'
import type { Scene } from './screenshots/scene.ts'
import { SCENES } from './screenshots/scenes.ts'

/** Every scene is taken in these forms. */
const FORMS: (VisitorOptions & { name: string })[] = [
  { name: 'desktop-light', width: 1280, theme: 'light' },
  { name: 'desktop-dark', width: 1280, theme: 'dark' },
  { name: 'phone-light', width: 380, theme: 'light', touch: true },
  { name: 'phone-dark', width: 380, theme: 'dark', touch: true },
]

/** Takes pictures of every page in every state: `<folder>/<scene>-<form>.png`. Answers how many, and which scenes never came. */
async function takeScreenshots(
  browser: Browser,
  folder: string,
  scenes: readonly Scene[],
): Promise<{ count: number; failed: string[] }> {
  await mkdir(folder, { recursive: true })
  await using server = await ServerProcess.start({ INGEST_PROCESSES: '1' })
  const places = await fillServer(server)
  const arrive = (options: VisitorOptions = {}) =>
    Promise.all(FORMS.map((form) => Visitor.arrive(browser, server, { ...form, still: true, ...options })))
  const visitors = await arrive()
  const failed: string[] = []
  for (const scene of scenes) {
    const isStranger = scene.visitor !== undefined
    const shown = isStranger ? await arrive(scene.visitor) : visitors
    try {
      await takeScene(scene, shown, { server, places, folder })
      console.log(scene.name)
    } catch (error) {
      failed.push(scene.name)
      console.error(`${scene.name}: ${error instanceof Error ? error.message : error}`)
    }
    await scene.after?.(server)
    if (isStranger) for (const visitor of shown) await visitor.leave()
  }
  return { count: (scenes.length - failed.length) * FORMS.length, failed }
}

/** The same of a run and of the queues, on a server whose runs are brought into every state. */
async function takeRunScreenshots(
  browser: Browser,
  folder: string,
  scenes: readonly RunScene[],
): Promise<{ count: number; failed: string[] }> {
  const failed: string[] = []
  if (scenes.length === 0) return { count: 0, failed }
  await mkdir(folder, { recursive: true })
  await using work = await WorkServer.start()
  const visitors = await Promise.all(FORMS.map((form) => Visitor.arrive(browser, work, { ...form, still: true })))
  for (const { name, make, show, whole = false } of scenes) {
    try {
      const made = await make(work)
      for (const [index, { page }] of visitors.entries()) {
        await show(page, made)
        await page.screenshot({ path: join(folder, `${name}-${FORMS[index]?.name}.png`), fullPage: whole })
      }
      console.log(name)
    } catch (error) {
      failed.push(name)
      console.error(`${name}: ${error instanceof Error ? error.message : error}`)
    }
  }
  for (const visitor of visitors) await visitor.leave()
  return { count: (scenes.length - failed.length) * FORMS.length, failed }
}

interface Studio {
  server: ServerProcess
  places: Places
  folder: string
}

/** One scene in all forms, all of them at the same moment of what moves. */
async function takeScene(scene: Scene, visitors: Visitor[], { server, places, folder }: Studio): Promise<void> {
  const state = (await scene.before?.(server, places)) ?? ''
  const stage = { server, places, state }
  const arrived = visitors.map(async (visitor) => {
    if (scene.visitor === undefined) await visitor.page.goto('/')
    await scene.arrive?.(visitor, stage)
  })
  await Promise.all(arrived)
  const taken = visitors.map(async (visitor, index) => {
    await scene.show(visitor, stage)
    const path = join(folder, `${scene.name}-${FORMS[index]?.name}.png`)
    await visitor.page.screenshot({ path, fullPage: scene.whole ?? false })
  })
  const ended = await Promise.allSettled(taken)
  for (const { page } of visitors) await page.unrouteAll({ behavior: 'ignoreErrors' })
  for (const one of ended) if (one.status === 'rejected') throw one.reason
}

const [given, ...names] = process.argv.slice(2)
const executable = findChromium(process.env)
if (executable === null) {
  console.error(`No screenshots, for ${NO_CHROMIUM}`)
  process.exitCode = 1
} else {
  const folder = given ? resolve(given) : await mkdtemp(join(tmpdir(), 'holdfast-screenshots-'))
  const browser = await launchChromium(executable)
  const isWanted = ({ name }: { name: string }) => names.length === 0 || names.includes(name)
  try {
    const scenes = SCENES.filter(isWanted)
    const pages = scenes.length > 0 ? await takeScreenshots(browser, folder, scenes) : { count: 0, failed: [] }
    const runs = await takeRunScreenshots(browser, folder, RUN_SCENES.filter(isWanted))
    console.log(`${pages.count + runs.count} screenshots stand in ${folder}`)
    if (pages.failed.length + runs.failed.length > 0) process.exitCode = 1
  } finally {
    await browser.close()
  }
}
