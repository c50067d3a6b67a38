import path from 'node:path'
import type { PathGuard } from './path-guard.ts'
import { isWithin } from './path-guard.ts'

/**
 * Names of files that mean the same on every node: relative to DATA_DIR, with `/`, for what is stored there, since
 * each node has a DATA_DIR of its own; the absolute path for anything else.
 */
export function createPlaces(dataDir: string, guard: PathGuard) {
  let realDataDir: Promise<string> | null = null

  return {
    async placeOf(absolutePath: string): Promise<string> {
      realDataDir ??= guard.dataDir()
      const ours = await realDataDir
      if (!isWithin(ours, absolutePath)) return absolutePath
      return path.relative(ours, absolutePath).split(path.sep).join('/')
    },

    pathOf(place: string): string {
      return path.isAbsolute(place) ? place : path.join(dataDir, place)
    },
  }
}

/** The upload a place is of, `null` where it is of none. */
export function uploadOf(place: string): string | null {
  return /^uploads\/([^/]+)\/files\//.exec(place)?.[1] ?? null
}
