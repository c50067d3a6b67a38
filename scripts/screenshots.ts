import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { findChromium, launchChromium, NO_CHROMIUM } from '@holdfast/testing/chromium'
import type { Browser } from 'playwright-core'
import { ServerProcess } from '../apps/dashboard/browser/test-support/server.ts'
import { Visitor, type VisitorOptions } from '../apps/dashboard/browser/test-support/visitor.ts'
import { fillServer } from './screenshots/fill-server.ts'
import { SCENES, type Scene } from './screenshots/scenes.ts'

/** Every scene is taken in these forms. */
const FORMS: (VisitorOptions & { name: string })[] = [
  { name: 'desktop-light', width: 1280, theme: 'light' },
  { name: 'desktop-dark', width: 1280, theme: 'dark' },
  { name: 'phone-light', width: 380, theme: 'light', touch: true },
  { name: 'phone-dark', width: 380, theme: 'dark', touch: true },
]

/** Takes pictures of every page in every state: `<folder>/<scene>-<form>.png`. Answers how many. */
async function takeScreenshots(browser: Browser, folder: string, scenes: readonly Scene[]): Promise<number> {
  await mkdir(folder, { recursive: true })
  await using server = await ServerProcess.start({ INGEST_PROCESSES: '1' })
  const places = await fillServer(server)
  const arrive = (options: VisitorOptions = {}) =>
    Promise.all(FORMS.map((form) => Visitor.arrive(browser, server, { ...form, still: true, ...options })))
  const visitors = await arrive()
  for (const scene of scenes) {
    const isStranger = scene.visitor !== undefined
    const shown = isStranger ? await arrive(scene.visitor) : visitors
    const state = (await scene.before?.(server, places)) ?? ''
    // All of them at the same moment of what moves.
    await Promise.all(
      shown.map(async (visitor, index) => {
        if (!isStranger) await visitor.page.goto('/')
        await scene.show(visitor, { server, places, state })
        const path = join(folder, `${scene.name}-${FORMS[index]?.name}.png`)
        await visitor.page.screenshot({ path, fullPage: scene.whole ?? false })
        await visitor.page.unrouteAll()
      }),
    )
    await scene.after?.(server)
    if (isStranger) for (const visitor of shown) await visitor.leave()
    console.log(scene.name)
  }
  return scenes.length * FORMS.length
}

const [given, ...names] = process.argv.slice(2)
const executable = findChromium(process.env)
if (executable === null) {
  console.error(`No screenshots, for ${NO_CHROMIUM}`)
  process.exitCode = 1
} else {
  const folder = given ? resolve(given) : await mkdtemp(join(tmpdir(), 'holdfast-screenshots-'))
  const browser = await launchChromium(executable)
  const scenes = SCENES.filter(({ name }) => names.length === 0 || names.includes(name))
  const count = await takeScreenshots(browser, folder, scenes).finally(() => browser.close())
  console.log(`${count} screenshots stand in ${folder}`)
}
