import { HoldfastError } from '@holdfast/protocol'
import { splitJson } from './json-messages.ts'
import { isJson } from './media-type.ts'

/**
 * A body as the messages it is, in the form the log stores: JSON texts, or the whole body as one message in base64.
 * Empty where there is nothing to store. Throws INVALID_INPUT for what is not JSON where it should be, TOO_LARGE for
 * more than `maxMessages`.
 */
export function toMessages(contentType: string, body: Buffer, maxMessages: number): string[] {
  if (body.length === 0) return []
  if (!isJson(contentType)) return [body.toString('base64')]
  const messages = splitJson(body)
  if (messages.length > maxMessages) {
    throw new HoldfastError('TOO_LARGE', `One append holds at most ${maxMessages} messages, not ${messages.length}.`)
  }
  return messages
}

/** Stored messages as the body of an answer: a JSON array, or the bytes one after the other. */
export function toBody(contentType: string, messages: readonly string[]): Buffer {
  if (isJson(contentType)) return Buffer.from(`[${messages.join(',')}]`)
  return Buffer.concat(messages.map((message) => Buffer.from(message, 'base64')))
}
