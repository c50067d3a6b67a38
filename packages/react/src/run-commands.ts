import { type ClientWorld, RequestError, retryDelay, type StreamClient } from '@holdfast/client'
import { sleep } from '@holdfast/protocol'
import type { CommandReceipt, RunSummary } from '@holdfast/protocol/runs'

/**
 * What can be said to a run. Each resolves when the server has it on disk: it holds whatever happens to this page then.
 *
 * Each call is one command, however often it has to be sent: where no answer came, or one that says it may go well
 * later and soon, it is sent again under the same id, four times in all, within about ten seconds. Throws RequestError:
 * ALREADY_ENDED, NOT_ENDED (of a retry), CONFLICT where it does not fit how the run stands, or what stood in the way last.
 */
export interface RunCommands {
  cancel(): Promise<CommandReceipt>
  pause(): Promise<CommandReceipt>
  resume(): Promise<CommandReceipt>
  /** A word to the work, which it takes when it next asks for one. */
  steer(message: string): Promise<CommandReceipt>
  /** Answers what waits for an approval. */
  approve(comment?: string): Promise<CommandReceipt>
  reject(comment?: string): Promise<CommandReceipt>
  /** A word of any name that the run waits for; `payload` is JSON. */
  signal(name: string, payload: unknown): Promise<CommandReceipt>
  /**
   * Starts another run that tries this one again, from the step that failed (default) or from its start, with the same
   * input or another. Resolves to that run.
   */
  retry(options?: { from?: 'failed' | 'start'; input?: unknown }): Promise<RunRetried>
}

/** The acknowledgement of a retry, with the run that began by it. */
export interface RunRetried {
  commandId: string
  run: RunSummary
}

// Together with the waits between them about ten seconds: as long as a person waits for a button.
const TRIES = 4
const LONGEST_WAIT_SECONDS = 10

/** The commands of the run `id`, over the client's requests. */
export function runCommands(client: Pick<StreamClient, 'request' | 'world'>, id: string): RunCommands {
  const give = <Answer = CommandReceipt>(command: string, body: object = {}) =>
    sendUntilAnswered(client.world, (key) =>
      client.request<Answer>(`/api/runs/${encodeURIComponent(id)}/${command}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(body),
      }),
    )
  return {
    cancel: () => give('cancel'),
    pause: () => give('pause'),
    resume: () => give('resume'),
    steer: (message) => give('steer', { message }),
    approve: (comment) => give('approve', { comment }),
    reject: (comment) => give('reject', { comment }),
    signal: (name, payload) => give('signals', { name, payload }),
    retry: (options = {}) => give<RunRetried>('retry', options),
  }
}

async function sendUntilAnswered<Answer>(world: ClientWorld, send: (key: string) => Promise<Answer>): Promise<Answer> {
  const key = world.id()
  for (let tries = 1; ; tries += 1) {
    try {
      return await send(key)
    } catch (error) {
      const mayGoWell = error instanceof RequestError && error.retry
      if (!mayGoWell || tries === TRIES || (error.retryAfter ?? 0) > LONGEST_WAIT_SECONDS) throw error
      await sleep(
        world.clock,
        retryDelay(tries, () => world.random(), error.retryAfter),
      )
    }
  }
}
