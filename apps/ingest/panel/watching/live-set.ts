import type { Connection, StreamClient, StreamSnapshot } from '@holdfast/client'
import { type IngestionState, ingestionStream } from '../../streams.ts'

/** What is read of one ingestion. */
export type LiveIngestion = StreamSnapshot<IngestionState>

/** What the set asks of the client: each stream's shared store. */
export type StreamsOfClient = Pick<StreamClient, 'stream'>

interface Followed {
  read(): LiveIngestion
  stop(): void
}

/** Where an ingestion's stream is. */
export interface IngestionPlace {
  projectId: string
  ingestionId: string
}

/** Any number of ingestions read at once, for a component that does not know beforehand which. */
export class LiveSet {
  readonly #client: StreamsOfClient
  readonly #followed = new Map<string, Followed>()
  readonly #listeners = new Set<() => void>()
  #snapshot: ReadonlyMap<string, LiveIngestion> = new Map()

  constructor(client: StreamsOfClient) {
    this.#client = client
  }

  /** Reads these and no others. */
  follow(places: readonly IngestionPlace[]): void {
    const wanted = new Set(places.map(({ ingestionId }) => ingestionId))
    for (const [id, { stop }] of this.#followed) {
      if (wanted.has(id)) continue
      stop()
      this.#followed.delete(id)
    }
    for (const place of places) if (!this.#followed.has(place.ingestionId)) this.#begin(place)
    this.#update()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly getSnapshot = (): ReadonlyMap<string, LiveIngestion> => this.#snapshot

  #begin({ projectId, ingestionId }: IngestionPlace): void {
    const store = this.#client.stream(ingestionStream, { projectId, ingestionId })
    this.#followed.set(ingestionId, { read: store.getSnapshot, stop: store.subscribe(this.#update) })
  }

  readonly #update = (): void => {
    this.#snapshot = new Map([...this.#followed].map(([id, { read }]) => [id, read()]))
    for (const listener of [...this.#listeners]) listener()
  }
}

/** Whether figures are as of now: its stream is read, by whatever transport, or it has ended. */
export function isUpToDate(connection: Connection): boolean {
  return connection.state === 'connected' || connection.state === 'degraded' || connection.state === 'completed'
}
