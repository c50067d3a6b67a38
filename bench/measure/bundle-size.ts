import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Plugin, type Rolldown } from 'vite'

const CLIENT = fileURLToPath(new URL('../../packages/client/src/index.ts', import.meta.url))

/** Bytes of a text as servers send what they have packed once: gzip at its best. */
export function gzipped(text: string | Buffer): number {
  return gzipSync(text, { level: 9 }).length
}

/** Bytes in gzip. */
export interface BundleSize {
  /** What is loaded at once. */
  first: number
  /** The same with the parts that are loaded when they are needed, as one module. */
  whole: number
}

/** Everything `@holdfast/client` exports, with what it needs of the protocol, minified as for a page. */
export async function clientSize(): Promise<BundleSize> {
  const lazy: Plugin = {
    name: 'leave-out-what-is-loaded-later',
    enforce: 'pre',
    resolveDynamicImport: (part) => ({ id: String(part), external: true }),
  }
  return { first: await bundle([lazy]), whole: await bundle([]) }
}

async function bundle(plugins: Plugin[]): Promise<number> {
  const [built] = (await build({
    configFile: false,
    logLevel: 'warn',
    plugins,
    build: {
      target: 'es2024',
      write: false,
      lib: { entry: CLIENT, formats: ['es'], fileName: 'client' },
      rollupOptions: { output: { minify: true, codeSplitting: false } },
    },
  })) as Rolldown.RolldownOutput[]
  return gzipped(built?.output[0].code ?? '')
}
