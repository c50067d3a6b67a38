import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const CSS = readFileSync(new URL('tokens.css', import.meta.url), 'utf8')

type Rgb = [number, number, number]

/** Every `--name: light-dark(#…, #…)` of the tokens. */
function colours(): Map<string, { light: Rgb; dark: Rgb }> {
  const found = new Map<string, { light: Rgb; dark: Rgb }>()
  for (const [, name, light, dark] of CSS.matchAll(/--([\w-]+):\s*light-dark\(#(\w{6}),\s*#(\w{6})\)/g)) {
    found.set(name as string, { light: rgb(light as string), dark: rgb(dark as string) })
  }
  return found
}

function rgb(hex: string): Rgb {
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as Rgb
}

/** WCAG 2.2: contrast of two colours, 1 to 21. */
function contrast(one: Rgb, other: Rgb): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((value) => {
    const part = value / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as Rgb
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

const GROUNDS = ['ground', 'raised', 'sunken']
const SOFTS = ['accent', 'done', 'wait', 'fail', 'quiet']

/** Text, and what it stands on. */
const TEXT: [text: string, on: string][] = [
  ...['ink', 'ink-2', 'ink-3', 'accent', 'done', 'wait', 'fail', 'quiet'].flatMap((text) =>
    GROUNDS.map((on): [string, string] => [text, on]),
  ),
  ...SOFTS.map((tone): [string, string] => [tone, `${tone}-soft`]),
  // The second sentence of a banner; a row that is selected.
  ...SOFTS.flatMap((tone) => ['ink', 'ink-2'].map((text): [string, string] => [text, `${tone}-soft`])),
  ...['accent', 'accent-hover', 'fail', 'fail-hover'].map((on): [string, string] => ['on-accent', on]),
  ['ink', 'mark'],
  ['ink-2', 'mark'],
]

/** What outlines a control or the focus, and what it stands on. */
const OUTLINES: [line: string, on: string][] = ['control', 'accent'].flatMap((line) =>
  GROUNDS.map((on): [string, string] => [line, on]),
)

describe.each(['light', 'dark'] as const)('the colours, %s', (theme) => {
  const known = colours()
  const measure = ([one, other]: [string, string]) => {
    const [a, b] = [known.get(one), known.get(other)]
    if (!a || !b) throw new Error(`tokens.css has no ${a ? other : one}`)
    return contrast(a[theme], b[theme])
  }

  it.each(TEXT)('[PG16] %s can be read on %s', (...pair) => {
    expect(measure(pair)).toBeGreaterThanOrEqual(4.5)
  })

  it.each(OUTLINES)('[PG16] the outline %s can be seen on %s', (...pair) => {
    expect(measure(pair)).toBeGreaterThanOrEqual(3)
  })
})
