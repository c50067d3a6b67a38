import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']

// Nothing of its own over the network, and no second profile than the fresh one that is made for each start.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** How to have a browser where there is none. */
export const NO_CHROMIUM =
  'there is no Chromium here. Install one (apt install chromium, brew install --cask chromium) or set CHROMIUM_PATH.'

/** The system's Chromium (`CHROMIUM_PATH`, else by its usual names on the PATH), or `null`. */
export function findChromium(env: Record<string, string | undefined>): string | null {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const usual = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return [env.CHROMIUM_PATH ?? '', ...usual].find((path) => path !== '' && isExecutable(path)) ?? null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Starts it without a window, with a profile of its own that is gone when it is closed. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: FLAGS })
}
