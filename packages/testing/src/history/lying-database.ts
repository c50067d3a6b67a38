import { HoldfastError } from '@holdfast/protocol'
import type { Database, Write } from '@holdfast/server'
import type { Lie } from './server-messages.ts'

// Of so many commits that append one is told to have failed.
const LIE_EVERY = 7

/** A store that breaks a promise, so that it is seen that the checker finds it; `null`: the store as it is. */
export function lyingDatabase(db: Database, lie: Lie | null): Database {
  let appends = 0
  return {
    dialect: db.dialect,
    async commit(writes) {
      const result = await db.commit(lie === 'fenced attempts write' ? writes.map(withoutFence) : writes)
      if (lie !== 'unavailable after commit' || !writes.some(({ appended }) => appended)) return result
      appends += 1
      if (appends % LIE_EVERY === 0) throw new HoldfastError('UNAVAILABLE', 'It was written all the same.')
      return result
    },
    read: (asked) => db.read(asked),
    onCommitted: (listener) => db.onCommitted(listener),
    close: () => db.close(),
  }
}

function withoutFence(write: Write): Write {
  const statements = write.statements.map((statement) => {
    if (statement.expect?.otherwise !== 'FENCED') return statement
    const { expect, ...rest } = statement
    return rest
  })
  return { ...write, statements }
}
