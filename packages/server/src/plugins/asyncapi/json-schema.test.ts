import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import * as mini from 'zod/mini'
import { brokenReferences, validator } from './fixtures/validators.ts'
import { type JsonSchema, jsonSchemaOf, movedTo, withProperties } from './json-schema.ts'

const more = { type: { const: 'x' }, timestamp: { type: 'string' } }
/** The fields as an event has them: with `type` and `timestamp` beside. */
const eventOf = (schema: StandardSchemaV1) =>
  withProperties(jsonSchemaOf(schema, 'draft-2020-12', 'output'), more, 'draft-2020-12')
const takes = (schema: JsonSchema, fields: object) =>
  validator(schema)({ type: 'x', timestamp: 'now', ...fields }).length === 0

/** As another library would make it, with or without a JSON Schema. */
function foreign(jsonSchema?: () => JsonSchema): StandardSchemaV1 {
  const converter = jsonSchema ? { jsonSchema: { input: jsonSchema, output: jsonSchema } } : {}
  const standard = { version: 1, vendor: 'elsewhere', validate: (value: unknown) => ({ value }), ...converter }
  return { '~standard': standard } as StandardSchemaV1
}

describe('jsonSchemaOf', () => {
  it('[ASYNC4] zod and zod/mini are told alike, open where they take no stand on other fields', () => {
    const full = jsonSchemaOf(z.object({ n: z.int().min(0), in: z.object({}) }), 'draft-2020-12', 'output')
    const small = mini.object({ n: mini.int().check(mini.gte(0)), in: mini.object({}) })
    expect(full).toEqual(jsonSchemaOf(small, 'draft-2020-12', 'output'))
    expect(JSON.stringify(full)).not.toContain('additionalProperties')
    expect(jsonSchemaOf(z.strictObject({}), 'draft-07', 'output').additionalProperties).toBe(false)
  })

  it('[ASYNC4] what is given and what is kept are told apart', () => {
    const schema = z.object({ n: z.number().default(1) })
    expect(jsonSchemaOf(schema, 'draft-2020-12', 'input').required).toBeUndefined()
    expect(jsonSchemaOf(schema, 'draft-2020-12', 'output').required).toEqual(['n'])
  })

  it('[ASYNC5] another library is asked for its JSON Schema; without one the object is open and says so', () => {
    const made = { $schema: 'x', $id: 'y', type: 'object', properties: { a: { type: 'string' } } }
    expect(
      jsonSchemaOf(
        foreign(() => made),
        'draft-07',
        'output',
      ),
    ).toEqual({ type: 'object', properties: made.properties })
    const none = { type: 'object', $comment: expect.stringContaining('elsewhere offers none') }
    expect(jsonSchemaOf(foreign(), 'draft-07', 'output')).toEqual(none)
    const failing = foreign(() => {
      throw new Error('no such target')
    })
    expect(jsonSchemaOf(failing, 'draft-07', 'output').$comment).toContain('no such target')
  })

  it('[ASYNC5] what JSON cannot say is any value', () => {
    const schema = jsonSchemaOf(z.object({ at: z.date(), n: z.string() }), 'draft-2020-12', 'output')
    expect(schema.properties).toEqual({ at: {}, n: { type: 'string' } })
  })
})

describe('withProperties', () => {
  it('[ASYNC4] a plain object is one list of fields', () => {
    expect(eventOf(z.object({ a: z.string() }))).toEqual({
      type: 'object',
      properties: { ...more, a: { type: 'string' } },
      required: ['type', 'timestamp', 'a'],
    })
  })

  it('[ASYNC4] an object that forbids other fields still has a type and a timestamp', () => {
    const strict = eventOf(z.strictObject({ a: z.string() }))
    expect([takes(strict, { a: '' }), takes(strict, { a: '', b: 1 }), takes(strict, {})]).toEqual([true, false, false])
  })

  it('[ASYNC4] so has one of several, an intersection, and a record of what it does not know', () => {
    const either = eventOf(z.union([z.strictObject({ a: z.string() }), z.strictObject({ b: z.number() })]))
    expect([takes(either, { a: '' }), takes(either, { b: 1 }), takes(either, { a: '', b: 1 })]).toEqual([
      true,
      true,
      false,
    ])
    const both = eventOf(z.intersection(z.object({ a: z.string() }), z.object({ b: z.number() })))
    expect([takes(both, { a: '', b: 1 }), takes(both, { a: '' })]).toEqual([true, false])
    const record = eventOf(z.record(z.string().regex(/^k/), z.number()))
    expect([takes(record, { k1: 1 }), takes(record, { k1: 'x' }), takes(record, { x: 1 })]).toEqual([
      true,
      false,
      false,
    ])
  })

  it('[ASYNC4] one that refers to itself goes on meaning itself, and not the event', () => {
    const Node: z.ZodType = z.object({
      name: z.string(),
      get children() {
        return z.array(Node)
      },
    })
    const tree = eventOf(Node)
    expect(brokenReferences(tree)).toEqual([])
    expect(takes(tree, { name: 'a', children: [{ name: 'b', children: [] }] })).toBe(true)
    expect(takes(tree, { name: 'a', children: [{ name: 1, children: [] }] })).toBe(false)
  })
})

describe('movedTo', () => {
  it('[ASYNC3] references follow, and nothing that only looks like one', () => {
    const schema = {
      properties: { $ref: { $ref: '#/$defs/a' }, b: { const: { $ref: '#/x' }, default: { $ref: '#' } } },
      anyOf: [{ $ref: '#' }, { $ref: 'https://example.org/other#/a' }, true],
      $defs: { a: { enum: [{ $ref: '#' }] } },
    }
    expect(movedTo('/here', schema)).toEqual({
      properties: { $ref: { $ref: '#/here/$defs/a' }, b: { const: { $ref: '#/x' }, default: { $ref: '#' } } },
      anyOf: [{ $ref: '#/here' }, { $ref: 'https://example.org/other#/a' }, true],
      $defs: { a: { enum: [{ $ref: '#' }] } },
    })
  })
})
