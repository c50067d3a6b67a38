import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GatedParser, gatedParser } from './fixtures/gate.ts'
import { createIngestWorld, type IngestWorld } from './fixtures/world.ts'
import { ingestionStream, projectStream, projectsStream } from './streams.ts'

interface Document {
  channels: Record<string, { address: string; 'x-json-schema': string }>
  operations: Record<string, { action: string; messages: object[] }>
  components: { messages: Record<string, { name: string; 'x-terminal'?: true }> }
}

const DEFINITIONS = [projectsStream, projectStream, ingestionStream]

let gate: GatedParser
let world: IngestWorld
let document: Document
beforeAll(async () => {
  gate = await gatedParser()
  world = await createIngestWorld({ ingest: { parser: gate.parser } })
  await world.write({ 'a.md': '# A\n\nWords.\n', 'broken.pdf': 'not a PDF' })
  document = (await world.http.request<Document>('/asyncapi.json')).body
})
afterAll(() => world[Symbol.asyncDispose]())

/** Whether the schema a server serves for a kind of stream takes an event. */
async function schemaOf(pattern: string): Promise<(event: unknown) => boolean> {
  const { body } = await world.http.request<object>(`/v1/schemas/streams/${pattern}.json`)
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true })
  formats.default(ajv)
  return ajv.compile(body)
}

describe('the document of the streams', () => {
  it('[ASYNC1] holds with ours, by the schema its makers publish', () => {
    // It brings the meta-schema it refers to along.
    const ajv = new Ajv({ strict: false, meta: false, validateSchema: false })
    formats.default(ajv)
    const validate = ajv.compile(createRequire(import.meta.url)('@asyncapi/specs/schemas/3.1.0.json'))
    validate(document)
    expect(validate.errors ?? []).toEqual([])
  })

  it('[ASYNC2] has a channel for each of ours, with every type of event', () => {
    for (const { pattern, events } of DEFINITIONS) {
      const channel = Object.entries(document.channels).find(([, { 'x-json-schema': at }]) =>
        at.includes(`/${pattern}.`),
      )
      expect(channel?.[1].address).toBe(`/v1/stream/${pattern.replace(/:(\w+)/g, '{$1}')}`)
      expect(document.operations[`${channel?.[0]}.read`]?.messages).toHaveLength(Object.keys(events).length)
    }
    const terminal = Object.values(document.components.messages).filter((message) => message['x-terminal'])
    // Those of a run's own stream, and ours.
    const ofRuns = ['done', 'failed', 'cancelled']
    expect(terminal.map(({ name }) => name)).toEqual([...ofRuns, 'ingestion_complete', 'error'])
  })

  it('[ASYNC4] takes what a whole ingestion really tells, and nothing of it that is broken', async () => {
    const projectId = await world.project()
    const { ingestionId } = await world.ingest(projectId)
    await world.write({ 'b.md': '# B\n' })
    const held = gate.hold('extract')
    const cancelled = await world.start(projectId)
    await held
    const path = `/api/projects/${projectId}/ingestions/${cancelled.ingestionId}/cancel`
    await world.http.request(path, { method: 'POST' })
    await world.end(projectId, cancelled.ingestionId)
    const streams = [
      {
        definition: ingestionStream,
        names: [ingestionId, cancelled.ingestionId].map((id) => ingestionStream.name({ projectId, ingestionId: id })),
      },
      { definition: projectStream, names: [projectStream.name({ projectId })] },
      { definition: projectsStream, names: [projectsStream.name({})] },
    ]
    const types = new Set<string>()
    for (const { definition, names } of streams) {
      const fits = await schemaOf(definition.pattern)
      for (const name of names) {
        const { body } = await world.http.request<Record<string, unknown>[]>(`/v1/stream/${name}`)
        expect(body.length).toBeGreaterThan(0)
        for (const event of body) {
          types.add(`${definition.pattern} ${event.type}`)
          expect(fits(event), JSON.stringify(event)).toBe(true)
          for (const field of Object.keys(event)) {
            expect(fits({ ...event, [field]: { nothing: 1 } }), `${event.type}.${field}`).toBe(false)
          }
        }
      }
    }
    expect([...types].filter((type) => type.startsWith(ingestionStream.pattern))).toHaveLength(4)
  })
})
