import type { FileRow } from '../file-store.ts'
import { type PhaseWorld, sourceDir } from './world.ts'

/** What this attempt has brought here or is bringing: a whole source once, however many of its files are missed. */
const fetched = new WeakMap<PhaseWorld, Promise<void>>()

/**
 * Brings a file that is not on this machine here: another node found it, and its DATA_DIR is not ours. Answers whether
 * to look again. Throws where its source cannot be had, which is an error of the ingestion and not of the file.
 */
export async function bring(world: PhaseWorld, row: Pick<FileRow, 'absolute_path'>): Promise<boolean> {
  const { context, sources } = world
  const { source } = context.input
  // Where the first attempt finds nothing, it was there and is gone.
  if (source.kind === 'path' && context.run.attempt === 1) return false
  const bringing = () => sources.bring(source, row.absolute_path, sourceDir(world), context.signal)
  // Each upload by itself: a retry may cover files of several. One that is here costs a look.
  if (source.kind === 'upload') {
    await bringing()
    return true
  }
  let once = fetched.get(world)
  if (!once) {
    once = bringing()
    fetched.set(world, once)
  }
  await once
  return true
}
