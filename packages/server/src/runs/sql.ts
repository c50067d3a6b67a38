import type { SqlValue } from '../db/database.ts'

/** A piece of SQL and the values of its parameters, in their order. */
export interface Sql {
  readonly sql: string
  readonly params: readonly SqlValue[]
}

/**
 * SQL with its values in their places: each becomes a parameter, and another piece of SQL stands there with its own.
 *
 * ```ts
 * sql`UPDATE runs SET due_at = ${now} + ${delayMs} WHERE id = ${id}`
 * ```
 */
export function sql(texts: TemplateStringsArray, ...parts: readonly (SqlValue | Sql)[]): Sql {
  const params: SqlValue[] = []
  let text = texts[0] ?? ''
  for (const [index, part] of parts.entries()) {
    const piece = isSql(part) ? part : { sql: '?', params: [part] }
    text += piece.sql + texts[index + 1]
    params.push(...piece.params)
  }
  return { sql: text, params }
}

/** Text of our own that stands as it is. */
export function text(sql: string): Sql {
  return { sql, params: [] }
}

/** A parameter for each value, with commas in between. */
export function list(values: readonly SqlValue[]): Sql {
  return { sql: values.map(() => '?').join(', '), params: values }
}

function isSql(part: SqlValue | Sql): part is Sql {
  return typeof part === 'object' && part !== null && 'sql' in part
}
