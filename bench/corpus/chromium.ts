import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']

/** The system's Chromium (`CHROMIUM_PATH`, else by its usual names on the PATH), or `null`. */
export function findChromium(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const candidates = [process.env.CHROMIUM_PATH ?? '', ...folders.flatMap((at) => NAMES.map((name) => join(at, name)))]
  return candidates.find((candidate) => candidate !== '' && isExecutable(candidate)) ?? null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Prints HTML to PDF with Chromium, as people's "Save as PDF" does. Needs no network. */
export class PdfPrinter {
  readonly #browser: Browser

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  /** `null` where there is no Chromium that starts. */
  static async start(): Promise<PdfPrinter | null> {
    const executablePath = findChromium()
    if (executablePath === null) return null
    try {
      return new PdfPrinter(await chromium.launch({ executablePath, args: ['--no-sandbox'] }))
    } catch {
      return null
    }
  }

  /** `date` (RFC 3339) takes the place of the time of printing, so that the same HTML gives the same bytes. */
  async print(html: string, date: string): Promise<Buffer> {
    const page = await this.#browser.newPage()
    try {
      await page.setContent(html)
      const pdf = await page.pdf({ format: 'A4', margin: { top: '2cm', bottom: '2cm', left: '2cm', right: '2cm' } })
      const stamp = date.replace(/\D/g, '').padEnd(14, '0').slice(0, 14)
      return Buffer.from(pdf.toString('latin1').replace(/\(D:\d{14}/g, `(D:${stamp}`), 'latin1')
    } finally {
      await page.close()
    }
  }

  async close(): Promise<void> {
    await this.#browser.close()
  }
}
