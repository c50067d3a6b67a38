import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { build, type Rolldown } from 'vite'

/** A page of a test's own, built whole: the script of `test-support/<file>`. */
export async function buildHarness(file: string): Promise<string> {
  const built = (await build({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    configFile: false,
    logLevel: 'warn',
    define: { 'process.env.NODE_ENV': '"development"' },
    build: {
      write: false,
      minify: false,
      modulePreload: false,
      rollupOptions: {
        input: fileURLToPath(new URL(file, import.meta.url)),
        // One file stands in for the page's own script.
        output: { codeSplitting: false },
      },
    },
  })) as Rolldown.RolldownOutput
  return built.output[0].code
}

/** Opens the server's document with `script` in place of the page's own. */
export async function openHarness(page: Page, script: string, query: Record<string, string>): Promise<void> {
  await page.route(/\/assets\/index-.*\.js$/, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: script }),
  )
  await page.goto(`/?${new URLSearchParams(query)}`)
}
