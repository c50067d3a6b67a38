import { existsSync } from 'node:fs'
import type { Section } from './sections/section.ts'

/**
 * Measures the sections named, one after the other, and says on stderr how far it is. One that fails takes no other with
 * it: it is left out, and the program's exit code will be 1.
 */
export async function runSections<Settings>(
  sections: Record<string, (settings: Settings) => Promise<Section>>,
  names: readonly string[],
  settings: Settings,
): Promise<Section[]> {
  const measured: Section[] = []
  for (const name of names) {
    process.stderr.write(`${name} `)
    try {
      const section = await sections[name]?.(settings)
      if (section) measured.push(section)
    } catch (error) {
      console.error(error)
      process.exitCode = 1
    }
    process.stderr.write('\n')
  }
  return measured
}

/** Ends the program with a word where the peers of a folder (URL, with a last `/`) are not installed. */
export function demandPeers(folder: URL, name: string): void {
  if (existsSync(new URL('node_modules', folder))) return
  console.error(`The peers are not installed: npm ci --prefix ${name}`)
  process.exit(1)
}
