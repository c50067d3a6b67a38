import { DatabaseSync } from 'node:sqlite'

export interface SqliteSettings {
  path: string
  /**
   * `full`: every commit is on the disk before it is acknowledged. `normal`: a power cut may lose the last commits,
   * never the file's soundness; only for what can be built anew.
   */
  durability: 'full' | 'normal'
}

/** The one connection that writes. */
export function openWriter({ path, durability }: SqliteSettings): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 5000, allowExtension: false })
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'};
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -8000;
    PRAGMA journal_size_limit = 67108864;
  `)
  return db
}

/** A connection that only looks. It sees every commit acknowledged before the look (WAL, no open transaction). */
export function openReader(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5000, allowExtension: false })
  // What it reads again and again stands in the system's cache too.
  db.exec('PRAGMA cache_size = -4000')
  return db
}
