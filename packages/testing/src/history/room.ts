import { defineStream } from '@holdfast/protocol'
import * as z from 'zod'

/**
 * The defined stream of the runs: takes events from outside, ends with `left`, and has a state in which every event
 * and its place counts, so that no loss, double or change of order folds to the same.
 */
export const room = defineStream('rooms/:id', {
  version: 1,
  events: { said: z.object({ id: z.string(), text: z.string() }), left: z.object({ id: z.string() }) },
  initial: { count: 0, digest: 0, last: '' },
  fold: (state, { id }) => ({ count: state.count + 1, digest: digest(state.digest, id), last: id }),
  terminal: ['left'],
  clientAppend: true,
})

function digest(before: number, text: string): number {
  let value = before
  for (let at = 0; at < text.length; at += 1) value = (Math.imul(value, 31) + text.charCodeAt(at)) | 0
  return value
}
