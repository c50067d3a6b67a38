import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'

const CLIENT = fileURLToPath(new URL('../../packages/client/src/index.ts', import.meta.url))

/** Bytes of a text as servers send what they have packed once: gzip at its best. */
export function gzipped(text: string | Buffer): number {
  return gzipSync(text, { level: 9 }).length
}

/** Everything `@holdfast/client` exports with what it needs of the protocol, minified, as one module. */
export async function bundleClient(): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      target: 'es2024',
      write: false,
      minify: true,
      modulePreload: { polyfill: false },
      rollupOptions: { input: CLIENT, preserveEntrySignatures: 'strict', output: { codeSplitting: false } },
    },
  })) as Rolldown.RolldownOutput
  return built.output[0].code
}
