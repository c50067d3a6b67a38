import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import * as z from 'zod'

export type JsonSchema = Record<string, unknown>

/** 2020-12 stands alone, draft-07 is what AsyncAPI's own schema format is made of. */
export type Dialect = 'draft-2020-12' | 'draft-07'

/** `input`: what may be given to the schema. `output`: what comes out, and is stored. */
export type Side = 'input' | 'output'

/**
 * The JSON Schema of any Standard Schema: zod's by zod, the others' by the Standard JSON Schema extension where they
 * offer it. A schema that offers neither, or that no JSON Schema can say, is an open object, with a word on why.
 */
export function jsonSchemaOf(schema: StandardSchemaV1, dialect: Dialect, side: Side): JsonSchema {
  try {
    return (
      fromZod(schema, dialect, side) ?? fromStandard(schema, dialect, side) ?? open(`${vendorOf(schema)} offers none`)
    )
  } catch (error) {
    return open(`${vendorOf(schema)} could make none: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function fromZod(schema: StandardSchemaV1, dialect: Dialect, io: Side): JsonSchema | null {
  if (!isZod(schema)) return null
  const target = dialect === 'draft-07' ? 'draft-7' : dialect
  const { $schema: _, ...made } = z.toJSONSchema(schema, { target, io, unrepresentable: 'any', override: opened })
  return made
}

function isZod(schema: StandardSchemaV1): schema is StandardSchemaV1 & z.core.$ZodType {
  return vendorOf(schema) === 'zod' && '_zod' in schema
}

/** An object that takes no stand on other fields leaves them out when it parses; a newer server may send them. */
function opened({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: z.core.JSONSchema.BaseSchema }) {
  const { def } = zodSchema._zod
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties
}

function fromStandard(schema: StandardSchemaV1, dialect: Dialect, side: Side): JsonSchema | null {
  const { jsonSchema } = schema['~standard'] as Partial<StandardJSONSchemaV1['~standard']>
  if (!jsonSchema) return null
  const { $schema: _, $id: __, ...made } = jsonSchema[side]({ target: dialect })
  return made
}

function vendorOf(schema: StandardSchemaV1): string {
  return schema['~standard'].vendor
}

function open(why: string): JsonSchema {
  return { type: 'object', $comment: `Its fields are not told: there is no JSON Schema, ${why}.` }
}

/** What holds a name of its own, not a schema or a keyword. */
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'])
/** What holds values, in which a `$ref` is only a field. */
const VALUES = new Set(['const', 'enum', 'default', 'examples'])

/** The schema as it stands at `pointer` of another document: its references to itself lead there. */
export function movedTo(pointer: string, schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, moved(pointer, key, value)]))
}

function moved(pointer: string, key: string, value: unknown): unknown {
  if (VALUES.has(key)) return value
  if (key === '$ref' && typeof value === 'string' && value.startsWith('#')) return `#${pointer}${value.slice(1)}`
  if (Array.isArray(value)) return value.map((item) => (isSchema(item) ? movedTo(pointer, item) : item))
  if (!isSchema(value)) return value
  if (!NAMED.has(key)) return movedTo(pointer, value)
  const entries = Object.entries(value)
  return Object.fromEntries(entries.map(([name, item]) => [name, isSchema(item) ? movedTo(pointer, item) : item]))
}

/** Where a dialect keeps the schemas others refer to. */
export function definitionsKey(dialect: Dialect): '$defs' | 'definitions' {
  return dialect === 'draft-07' ? 'definitions' : '$defs'
}

/**
 * The schema of an object that has the fields `fields` tells of and, beside them, `more`, all of it required. A plain
 * object schema gets them into its own list; one that is put together of several, or that refers to itself, stays
 * whole, and its parts that forbid what they do not know are told of them.
 */
export function withProperties(fields: JsonSchema, more: JsonSchema, dialect: Dialect): JsonSchema {
  const names = Object.keys(more)
  if (isPlain(fields)) {
    const own = Object.entries((fields.properties as JsonSchema | undefined) ?? {})
    const required = (fields.required as string[] | undefined) ?? []
    return {
      ...fields,
      type: 'object',
      properties: { ...more, ...Object.fromEntries(own.filter(([name]) => !names.includes(name))) },
      required: [...names, ...required.filter((name) => !names.includes(name))],
    }
  }
  const key = definitionsKey(dialect)
  const whole = movedTo(`/${key}/fields`, fields)
  const root = { [key]: { fields: whole } }
  return { type: 'object', properties: more, required: names, allOf: [knowing(whole, names, root)], ...root }
}

const COMPOSED = ['allOf', 'anyOf', 'oneOf', '$ref', 'if', 'not', 'patternProperties', 'propertyNames']

function isPlain(schema: JsonSchema): boolean {
  return !COMPOSED.some((keyword) => keyword in schema) && !JSON.stringify(schema).includes('"$ref":"#"')
}

function knowing(schema: JsonSchema, names: readonly string[], root: JsonSchema): JsonSchema {
  if (typeof schema.$ref === 'string') return knowing(resolve(root, schema.$ref), names, root)
  const { $defs: _, definitions: __, ...known } = schema
  for (const keyword of ['allOf', 'anyOf', 'oneOf']) {
    const parts = schema[keyword] as JsonSchema[] | undefined
    if (parts) known[keyword] = parts.map((part) => knowing(part, names, root))
  }
  if (isSchema(schema.propertyNames)) known.propertyNames = { anyOf: [{ enum: names }, schema.propertyNames] }
  if (schema.additionalProperties !== undefined || schema.unevaluatedProperties !== undefined) {
    const any = Object.fromEntries(names.map((name) => [name, true]))
    known.properties = { ...(schema.properties as JsonSchema | undefined), ...any }
  }
  return known
}

function resolve(root: JsonSchema, ref: string): JsonSchema {
  const path = ref.slice(1).split('/').slice(1)
  const target = path.reduce<unknown>((at, part) => isSchema(at) && at[unescapePointer(part)], root)
  if (!isSchema(target)) throw new Error(`the reference ${ref} leads nowhere`)
  return target
}

/** One step of a JSON pointer in a URI fragment. Source: RFC 6901, 3 and 6. */
export function escapePointer(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}

function unescapePointer(part: string): string {
  return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
