import type { AnyStream } from '../../log/stream-log.ts'
import { type Dialect, type JsonSchema, jsonSchemaOf, withProperties } from './json-schema.ts'

const TIMESTAMP: JsonSchema = {
  type: 'string',
  format: 'date-time',
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$',
  description: 'When it happened: RFC 3339, UTC, milliseconds.',
}

/** The schemas of a definition's events by type, as they are read: what `parse` gives. */
export function eventSchemas({ events }: AnyStream, dialect: Dialect): Map<string, JsonSchema> {
  const schemas = new Map<string, JsonSchema>()
  for (const type of Object.keys(events)) {
    const fields = jsonSchemaOf(events[type], dialect, 'output')
    schemas.set(type, withProperties(fields, { type: { const: type }, timestamp: TIMESTAMP }, dialect))
  }
  return schemas
}

/** The same as they are appended from outside: what `parse` takes; without `timestamp` the moment of writing counts. */
export function appendSchemas({ events }: AnyStream, dialect: Dialect): Map<string, JsonSchema> {
  const schemas = new Map<string, JsonSchema>()
  for (const type of Object.keys(events)) {
    const fields = jsonSchemaOf(events[type], dialect, 'input')
    const schema = withProperties(fields, { type: { const: type }, timestamp: TIMESTAMP }, dialect)
    const required = (schema.required as string[]).filter((name) => name !== 'timestamp')
    schemas.set(type, { ...schema, required })
  }
  return schemas
}

/**
 * What a reader meets beside the types it knows: those of a newer server, over which it passes. `required` are the
 * fields every one of them has.
 */
export function unknownSchema(known: Iterable<string>, required: readonly string[]): JsonSchema {
  const properties = { type: { type: 'string', not: { enum: [...known] } }, timestamp: TIMESTAMP }
  return {
    type: 'object',
    description: 'Of a type this server does not know: of a newer one. Readers pass over it.',
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => required.includes(name))),
    required,
  }
}
