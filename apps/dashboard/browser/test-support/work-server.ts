import { fileURLToPath } from 'node:url'
import { ingestApp } from '@holdfast/ingest'
import type { RunDetails } from '@holdfast/protocol/runs'
import { createTestWorld, type TestWorld, until } from '@holdfast/testing'
import { ensurePageBuilt } from '../../../../scripts/build-page.ts'
import { Survey, type SurveyInput, surveyApp } from './survey.ts'
import type { WorldServer } from './world.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

export interface SurveyOptions {
  queue?: string
  priority?: number
  delaySeconds?: number
}

/** The real server with the real page and one kind of run, `survey`, whose world is in the test's hand. */
export class WorkServer implements WorldServer {
  readonly survey: Survey
  readonly #world: TestWorld

  private constructor(world: TestWorld, survey: Survey) {
    this.#world = world
    this.survey = survey
  }

  static async start(): Promise<WorkServer> {
    const { folder } = await ensurePageBuilt({ root: ROOT })
    const survey = new Survey()
    const world = await createTestWorld({
      apps: ({ dataDir, root }) => [ingestApp({ dataDir, roots: [root], onFatal }), surveyApp(survey)],
      ground: 'memory',
      nodes: 1,
      redis: false,
      pageFolder: folder,
    })
    return new WorkServer(world, survey)
  }

  get url(): string {
    return this.#world.url
  }

  get token(): string {
    return this.#world.token
  }

  request<Answer>(method: 'GET' | 'POST', path: string, body: unknown = {}): Promise<Answer> {
    return method === 'GET' ? this.#world.get<Answer>(path) : this.#world.post<Answer>(path, body)
  }

  /** Begins a survey of these places; answers its id. */
  async begin(places: readonly string[], more: Omit<SurveyInput, 'places'> = {}, options: SurveyOptions = {}) {
    const input: SurveyInput = { places: places.map((name) => ({ name })), ...more }
    const { id } = await this.request<RunDetails>('POST', '/api/runs', { name: 'survey', input, ...options })
    return id
  }

  run(id: string): Promise<RunDetails> {
    return this.request<RunDetails>('GET', `/api/runs/${id}`)
  }

  /** Waits until a run stands so. */
  async stands(id: string, ...statuses: RunDetails['status'][]): Promise<RunDetails> {
    let run = await this.run(id)
    const isThere = async () => {
      run = await this.run(id)
      return statuses.includes(run.status)
    }
    await until(isThere, { what: `${id} ${statuses.join(' or ')}`, seconds: 30, everyMs: 20 })
    return run
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#world[Symbol.asyncDispose]()
  }
}

function onFatal(error: Error): never {
  throw error
}
