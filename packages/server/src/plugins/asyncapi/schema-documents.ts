import type * as z from 'zod'
import type { AnyStream } from '../../log/stream-log.ts'
import { clientFrames, serverFrames, streamFrames } from './frame-schemas.ts'
import { escapePointer, type JsonSchema, jsonSchemaOf, movedTo } from './json-schema.ts'
import { appendSchemas, eventSchemas, unknownSchema } from './stream-schema.ts'

/** Where the schemas stand. The pattern of a stream is its address, as it stands in the code: colons need no escape. */
export const SCHEMAS_PATH = '/v1/schemas'

const DIALECT = 'draft-2020-12'

/** Every JSON Schema there is, by its address: what is read of each stream, what may be appended, and the frames. */
export function schemaDocuments(definitions: readonly AnyStream[]): Map<string, JsonSchema> {
  const documents = new Map<string, JsonSchema>()
  const add = (path: string, fields: JsonSchema) => {
    const $id = `${SCHEMAS_PATH}/${path}.json`
    documents.set($id, { $schema: 'https://json-schema.org/draft/2020-12/schema', $id, ...fields })
  }
  for (const definition of definitions) {
    const { pattern, version, clientAppend } = definition
    const read = eventSchemas(definition, DIALECT)
    add(`streams/${pattern}`, {
      title: `Events of ${pattern}`,
      description: `One event of a stream whose name is of the pattern ${pattern}, version ${version}, as it is read.`,
      ...oneOf(read, unknownSchema(read.keys(), ['type', 'timestamp'])),
    })
    if (!clientAppend) continue
    add(`appends/${pattern}`, {
      title: `Appends to ${pattern}`,
      description: `One event as it is appended from outside to a stream whose name is of the pattern ${pattern}.`,
      ...oneOf(appendSchemas(definition, DIALECT)),
    })
  }
  for (const { path, title, frames, from } of FRAMES) {
    const schemas = frameSchemas(frames)
    add(`frames/${path}`, { title, ...oneOf(schemas, from && unknownSchema(schemas.keys(), ['type'])) })
  }
  return documents
}

const FRAMES = [
  { path: 'stream', title: "What the server says on a stream's own WebSocket", frames: streamFrames, from: true },
  { path: 'server', title: 'What the server says on /v1/ws', frames: serverFrames, from: true },
  { path: 'client', title: 'What a client says on /v1/ws', frames: clientFrames, from: false },
]

function frameSchemas(frames: Record<string, z.ZodType>): Map<string, JsonSchema> {
  return new Map(Object.entries(frames).map(([type, schema]) => [type, jsonSchemaOf(schema, DIALECT, 'output')]))
}

function oneOf(schemas: ReadonlyMap<string, JsonSchema>, unknown?: JsonSchema | false): JsonSchema {
  const types = [...schemas].map(([type, schema]) => ({ type, at: `/$defs/${escapePointer(type)}`, schema }))
  return {
    oneOf: [...types.map(({ at }) => ({ $ref: `#${at}` })), ...(unknown ? [unknown] : [])],
    $defs: Object.fromEntries(types.map(({ type, at, schema }) => [type, movedTo(at, schema)])),
  }
}
