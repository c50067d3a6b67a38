import type { Retention } from '@holdfast/protocol'
import manifest from '../../../package.json' with { type: 'json' }
import type { AnyStream } from '../../log/stream-log.ts'
import { clientFrames, serverFrames } from './frame-schemas.ts'
import { type JsonSchema, jsonSchemaOf, movedTo } from './json-schema.ts'
import { SCHEMAS_PATH } from './schema-documents.ts'
import { appendSchemas, eventSchemas } from './stream-schema.ts'

type Fields = Record<string, unknown>

/** What an AsyncAPI document is put together of, as it grows. */
interface Parts {
  channels: Fields
  operations: Fields
  messages: Fields
  schemas: Fields
  /** Of channels and messages, all different. */
  keys: Set<string>
}

interface Message {
  /** Unlike every other message's; letters, digits, `.`, `_` and `-`. */
  key: string
  name: string
  schema: JsonSchema
  fields: Fields
}

/**
 * The streams as AsyncAPI 3.1, for an application that reads them (and appends, where it may): it `receive`s events.
 * Its servers are put in as it is asked for, for only who asks knows by what name this server is reached.
 */
export function asyncApiDocument(definitions: readonly AnyStream[]): Fields {
  const parts: Parts = { channels: {}, operations: {}, messages: {}, schemas: {}, keys: new Set() }
  for (const definition of definitions) addStream(parts, definition)
  addRequests(parts, addSocket(parts))
  const { channels, operations, messages, schemas } = parts
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'Holdfast streams',
      version: manifest.version,
      description: DESCRIPTION,
    },
    defaultContentType: 'application/json',
    channels,
    operations,
    components: { messages, schemas, securitySchemes: SECURITY },
  }
}

/** Where this server is reached, by the request that asks. */
export function asyncApiServers({ host, protocol }: { host: string; protocol: string }): Fields {
  const security = Object.keys(SECURITY).map((name) => ({ $ref: `#/components/securitySchemes/${name}` }))
  const isSecure = protocol === 'https'
  return {
    http: { host, protocol, security, description: 'GET, long-poll, server-sent events, POST.' },
    websocket: { host, protocol: isSecure ? 'wss' : 'ws', security, description: 'The same streams over WebSocket.' },
  }
}

const DESCRIPTION = `Durable streams: each channel is a kind of stream, each of its messages a type of event.

Written for an application that uses this server: it receives events, and sends them where the stream takes appends
from outside. Over HTTP events come as JSON arrays (GET, long-poll) or in server-sent events; on a WebSocket in frames.
How positions, frames and close codes work is told in packages/protocol/PROTOCOL.md. JSON Schemas (2020-12) of every
channel (\`x-json-schema\`) and of the frames: ${SCHEMAS_PATH}. The operations over HTTP: /openapi.json.

A type of event or frame that is not listed here is of a newer server, and is passed over.`

const SECURITY = {
  bearer: { type: 'http', scheme: 'bearer', description: "The operator's token." },
  session: {
    type: 'httpApiKey',
    in: 'cookie',
    name: 'holdfast_session',
    description: 'What a browser carries once the operator has opened the link the server printed.',
  },
}

const OFFSET_QUERY = {
  type: 'object',
  properties: { offset: { type: 'string', description: 'Where to begin: an offset, `-1` (the start) or `now`.' } },
}
const READ_QUERY = {
  ...OFFSET_QUERY,
  properties: { ...OFFSET_QUERY.properties, live: { type: 'string', enum: ['sse', 'long-poll'] } },
}

function addStream(parts: Parts, definition: AnyStream): void {
  const { version, clientAppend, retain } = definition
  const pattern: string = definition.pattern
  const channel = unusedKey(parts, channelKey(pattern))
  const read = messagesOf(parts, channel, '', eventSchemas(definition, 'draft-07'), (type) => ({
    ...(definition.isTerminal(type) ? { 'x-terminal': true } : {}),
    ...(definition.isReplaceable(type) ? { 'x-replaces': true } : {}),
  }))
  const appended = clientAppend
    ? messagesOf(parts, channel, 'append.', appendSchemas(definition, 'draft-07'), () => ({}))
    : []
  const parameters = pattern.split('/').filter((segment) => segment.startsWith(':'))
  parts.channels[channel] = {
    address: `/v1/stream/${pattern.replace(/:([^/]+)/g, '{$1}')}`,
    title: pattern,
    messages: addMessages(parts, [...read, ...appended]),
    ...(parameters.length > 0
      ? { parameters: Object.fromEntries(parameters.map((segment) => [segment.slice(1), PARAMETER])) }
      : {}),
    bindings: { ws: { method: 'GET', query: OFFSET_QUERY, bindingVersion: '0.1.0' } },
    'x-json-schema': `${SCHEMAS_PATH}/streams/${pattern}.json`,
    'x-stream-pattern': pattern,
    'x-state-version': version,
    ...(retain ? { 'x-retention': retention(retain) } : {}),
  }
  parts.operations[`${channel}.read`] = {
    action: 'receive',
    ...operationOn(channel, read),
    summary: `Read ${pattern}`,
    bindings: { http: { method: 'GET', query: READ_QUERY, bindingVersion: '0.3.0' } },
  }
  if (!clientAppend) return
  parts.operations[`${channel}.append`] = {
    action: 'send',
    ...operationOn(channel, appended),
    summary: `Append to ${pattern}`,
    bindings: { http: { method: 'POST', bindingVersion: '0.3.0' } },
  }
}

const PARAMETER = {
  description: 'One segment: letters, digits, `.`, `_`, `~` and `-`, beginning with a letter or digit; at most 128.',
}

function retention({ events, ageMs, bytes }: Retention): Fields {
  return Object.fromEntries(Object.entries({ events, ageMs, bytes }).filter(([, bound]) => bound !== undefined))
}

/** `/v1/ws`: frames both ways, and which answers which. Answers what is received. */
function addSocket(parts: Parts): Message[] {
  const schemasOf = (frames: typeof clientFrames | typeof serverFrames) =>
    new Map(Object.entries(frames).map(([type, schema]) => [type, jsonSchemaOf(schema, 'draft-07', 'output')]))
  const sent = messagesOf(parts, 'socket', 'client.', schemasOf(clientFrames), () => ({}))
  const received = messagesOf(parts, 'socket', 'server.', schemasOf(serverFrames), () => ({}))
  parts.channels.socket = {
    address: '/v1/ws',
    title: 'Many streams on one WebSocket',
    servers: [{ $ref: '#/servers/websocket' }],
    messages: addMessages(parts, [...sent, ...received]),
    bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
  }
  parts.operations['socket.receive'] = {
    action: 'receive',
    ...operationOn('socket', received),
    summary: 'Receive frames',
  }
  for (const message of sent) {
    const answers = received.filter(({ name }) => ANSWERS[message.name]?.includes(name))
    parts.operations[`socket.${message.name}`] = {
      action: 'send',
      ...operationOn('socket', [message]),
      summary: `Send \`${message.name}\``,
      reply: operationOn('socket', answers),
    }
  }
  return received
}

/** `/v1/read`: the frames of `/v1/ws` that a request may be answered with. */
function addRequests(parts: Parts, frames: readonly Message[]): void {
  const received = frames.filter(({ name }) => BY_REQUEST.has(name))
  parts.channels.requests = {
    address: '/v1/read',
    title: 'Many streams by requests',
    servers: [{ $ref: '#/servers/http' }],
    messages: Object.fromEntries(received.map(({ key }) => [key, { $ref: `#/components/messages/${key}` }])),
  }
  parts.operations['requests.receive'] = {
    action: 'receive',
    ...operationOn('requests', received),
    summary: 'Receive frames as server-sent events, or a round of them as JSON',
    bindings: { http: { method: 'POST', bindingVersion: '0.3.0' } },
  }
}

const BY_REQUEST: ReadonlySet<string> = new Set<keyof typeof serverFrames>([
  'welcome',
  'subscribed',
  'events',
  'up_to_date',
  'sealed',
  'reset',
  'error',
  'heartbeat',
  'drain',
])

const ANSWERS: Record<string, readonly string[]> = {
  subscribe: ['subscribed', 'reset', 'error'],
  unsubscribe: ['unsubscribed', 'error'],
  append: ['appended', 'error'],
  authenticate: ['authenticated', 'error'],
  ping: ['pong', 'error'],
} satisfies Record<keyof typeof clientFrames, readonly (keyof typeof serverFrames)[]>

function messagesOf(
  parts: Parts,
  channel: string,
  prefix: string,
  schemas: ReadonlyMap<string, JsonSchema>,
  fieldsOf: (type: string) => Fields,
): Message[] {
  return [...schemas].map(([type, schema]) => {
    const key = unusedKey(parts, `${channel}.${prefix}${safe(type)}`)
    return { key, name: type, schema, fields: fieldsOf(type) }
  })
}

/** Puts the messages among the components; answers what a channel says of them. */
function addMessages({ messages, schemas }: Parts, added: readonly Message[]): Fields {
  for (const { key, name, schema, fields } of added) {
    schemas[key] = movedTo(`/components/schemas/${key}`, schema)
    messages[key] = { name, title: name, payload: { $ref: `#/components/schemas/${key}` }, ...fields }
  }
  return Object.fromEntries(added.map(({ key }) => [key, { $ref: `#/components/messages/${key}` }]))
}

function operationOn(channel: string, messages: readonly Message[]): Fields {
  return {
    channel: { $ref: `#/channels/${channel}` },
    messages: messages.map(({ key }) => ({ $ref: `#/channels/${channel}/messages/${key}` })),
  }
}

/** `projects/:id` is `projects._id`: no segment that stands for itself begins with `_`. */
function channelKey(pattern: string): string {
  return pattern
    .split('/')
    .map((segment) => safe(segment.replace(/^:/, '_')))
    .join('.')
}

/** Source: AsyncAPI 3.1, Components Object: keys are letters, digits, `.`, `-` and `_`. */
function safe(text: string): string {
  return text.replace(/[^A-Za-z0-9_.-]/g, '-') || '-'
}

// Named by this document itself; a stream may be called so.
const OWN_CHANNELS: ReadonlySet<string> = new Set(['socket', 'requests'])

function unusedKey({ keys }: Parts, wanted: string): string {
  let key = wanted
  for (let more = 2; keys.has(key) || OWN_CHANNELS.has(key); more += 1) key = `${wanted}-${more}`
  keys.add(key)
  return key
}
