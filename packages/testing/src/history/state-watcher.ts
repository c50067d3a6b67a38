import { type Offset, sleep, systemClock } from '@holdfast/protocol'
import type { History } from './history.ts'
import { ask, type Place, streamPath } from './place.ts'

export interface StateWatcherOptions {
  name: string
  stream: string
  place: Place
  history: History
  stop: AbortSignal
}

const LOOK_MS = 25

/** Looks at a stream's state again and again. */
export async function watchState(options: StateWatcherOptions): Promise<void> {
  while (!options.stop.aborted) {
    await lookAtState(options)
    await sleep(systemClock, LOOK_MS, options.stop).catch(() => {})
  }
}

/** Notes the state and answers the position it is of; `null` where it could not be had. */
export async function lookAtState({ name, stream, place, history, stop }: StateWatcherOptions): Promise<Offset | null> {
  try {
    const answer = await ask(place, { path: streamPath(stream, { view: 'state' }), signal: stop })
    if (answer.status !== 200) {
      if (answer.status !== 503) history.complaints.push({ stream, text: `${name}: state answered ${answer.text}` })
      return null
    }
    const { state, offset, sealed } = JSON.parse(answer.text)
    history.states.push({ reader: name, stream, state, offset, sealed })
    return offset
  } catch {
    return null
  }
}
