import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Folders that hold nothing of ours, by name. */
const NOT_OURS = /^(node_modules|data|coverage|dist|dist\..*|\..*)$/

/** Files below `root` whose path passes `wanted`, as paths with `/` relative to it, in order. */
export function listFiles(root: string, wanted: (path: string) => boolean): string[] {
  const found: string[] = []
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory() && !NOT_OURS.test(entry.name)) walk(path)
      else if (entry.isFile() && wanted(path)) found.push(path)
    }
  }
  walk('')
  return found.sort()
}
