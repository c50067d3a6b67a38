import type { Row, Statement } from './database.ts'

/** How a statement is sent: numbered parameters, and, where it expects a number of rows, its expectation in the text. */
export interface Sent {
  text: string
  /** The rows are those of a check that only counts. */
  counts: boolean
}

const UNMET = 'holdfast:unmet'
const MET = 'holdfast_met'
const GIVES_ROWS = /^\s*(select|values)\b|\breturning\b/i
const CACHED = 1000

const sent = new Map<string, Sent>()

export function sentAs({ sql, expect }: Statement): Sent {
  const key = expect ? `${expect.rows} ${sql}` : sql
  let known = sent.get(key)
  if (!known) {
    const text = numbered(sql)
    known = expect ? checked(text, expect.rows) : { text, counts: false }
    if (sent.size >= CACHED) sent.clear()
    sent.set(key, known)
  }
  return known
}

/** `?` becomes `$1`, `$2` …; our own statements hold no other question mark. */
function numbered(sql: string): string {
  let index = 0
  return sql.replace(/\?/g, () => {
    index += 1
    return `$${index}`
  })
}

/**
 * Lets the store itself judge whether a statement gives or changes as many rows as it must, so that a whole commit is
 * sent at once and nobody holds its locks while an answer travels: a cast that fails ends the transaction.
 */
function checked(text: string, rows: number): Sent {
  const check = (count: string) => `CASE ${count} WHEN ${rows} THEN 1 ELSE CAST('${UNMET} ' || ${count} AS int) END`
  if (!GIVES_ROWS.test(text)) {
    return { text: `WITH given AS (${text} RETURNING 1) SELECT ${check('count(*)')} FROM given`, counts: true }
  }
  const count = '(SELECT count(*) FROM given)'
  return {
    text: `WITH given AS (${text}) SELECT met.${MET}, given.* FROM (SELECT ${check(count)} AS ${MET}) met LEFT JOIN given ON true`,
    counts: false,
  }
}

/** Whether an error is that of an expectation that was not met. */
export function isUnmet(error: unknown): boolean {
  return error instanceof Error && error.message.includes(UNMET)
}

/** The rows a statement gave, without what was added to its text. */
export function givenRows({ expect, isList }: Statement, { counts }: Sent, rows: Row[]): Row[] {
  if (counts || expect?.rows === 0) return []
  if (expect) for (const row of rows) delete row[MET]
  if (isList) for (const row of rows) delete row.element
  return rows
}
