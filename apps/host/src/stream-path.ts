import { usageStop } from './command-line.ts'
import { printable } from './text-width.ts'

/** The path of the stream a person named, however they wrote it; a Stop of `command` where it cannot be one's name. */
export function streamPath(command: string, name: string): string {
  const segments = name.replace(/^\/(v1\/stream\/)?/, '').split('/')
  // In a URL these would name something else.
  if (segments.some((segment) => segment === '' || /^\.+$/.test(segment))) {
    throw usageStop(command, `"${printable(name)}" cannot be the name of a stream`)
  }
  return `/v1/stream/${segments.map(encodeURIComponent).join('/')}`
}
