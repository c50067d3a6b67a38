import { styleText } from 'node:util'

type Format = Parameters<typeof styleText>[0]

/** Where text goes. */
export interface Output {
  write(text: string): unknown
}

/** Colour only where a terminal wants it (NO_COLOR, FORCE_COLOR and pipes are honoured). */
function formatter(format: Format) {
  return (text: string): string => styleText(format, text, { stream: process.stdout })
}

export const style = {
  bold: formatter('bold'),
  dim: formatter('dim'),
  accent: formatter('cyan'),
  done: formatter('green'),
  failed: formatter('red'),
  waiting: formatter('yellow'),
}
