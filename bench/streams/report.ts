import { readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import type { Aim, Figure, Section } from './sections/section.ts'

/**
 * One table in Markdown. `ratio`: how the first value stands to that of the section's base on the same line of `what`.
 */
export function table({ title, note, columns, figures, base = 'holdfast' }: Section): string {
  const hasRatios = figures.some((figure) => ratio(figure, figures, base) !== '')
  const hasAims = figures.some(({ aim }) => aim)
  const head = [
    '',
    'server',
    'durable',
    ...columns,
    ...(hasRatios ? [`${columns[0]}, ratio to ${base}`] : []),
    ...(hasAims ? ['aim', 'met'] : []),
  ]
  const lines = figures.map((figure) => [
    figure.what,
    figure.contender,
    figure.durable ? 'yes' : 'no',
    ...figure.values.map(number),
    ...(hasRatios ? [ratio(figure, figures, base)] : []),
    ...(hasAims ? aimed(figure, columns) : []),
  ])
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [`## ${title}`, '', note, '', row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n')
}

function ratio(figure: Figure, figures: readonly Figure[], base: string): string {
  const other = figures.find(({ what, contender }) => what === figure.what && contender === base)
  const [divisor, value] = [other?.values[0], figure.values[0]]
  if (other === figure || !divisor || value === null || value === undefined) return ''
  return `${number(value / divisor)} x`
}

function aimed({ aim = [], values }: Figure, columns: readonly string[]): [aim: string, met: string] {
  const aims = [aim].flat().map((one) => {
    const value = values[columns.indexOf(one.column)]
    if (value === undefined) throw new RangeError(`an aim is about "${one.column}", and there is no such column`)
    const limit = 'atLeast' in one ? `>= ${number(one.atLeast)}` : `< ${number(one.below)}`
    return { text: `${one.column} ${limit}`, met: value !== null && isMet(one, value) ? 'yes' : 'no' }
  })
  return [aims.map(({ text }) => text).join(', '), aims.map(({ met }) => met).join(', ')]
}

function isMet(aim: Aim, value: number): boolean {
  return 'atLeast' in aim ? value >= aim.atLeast : value < aim.below
}

function number(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '-'
  if (value === 0) return '0'
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** The report of what was measured now. `head`: its title and how it came to be. */
export function render(head: string, sections: readonly Section[]): string {
  return [head, ...sections.map(table)].join('\n\n').concat('\n')
}

/** An earlier report with the tables of what was measured now in their places; the others are as they were. */
export function update(earlier: string, head: string, sections: readonly Section[]): string {
  const tables = new Map(
    earlier
      .split(/\n(?=## )/)
      .slice(1)
      .map((text) => [text.split('\n', 1)[0], text.trim()]),
  )
  for (const section of sections) tables.set(`## ${section.title}`, table(section))
  return [head, ...tables.values()].join('\n\n').concat('\n')
}

/** Puts what was measured now into a report that may be there already. */
export async function updateFile(file: URL, head: string, sections: readonly Section[]): Promise<void> {
  const earlier = await readFile(file, 'utf8').catch(() => '')
  await writeFile(file, update(earlier, head, sections))
}

/** The machine and how busy it is just now, for a report's head. */
export function machine(): string {
  const all = cpus()
  return `Node ${process.versions.node}, ${all.length} cores (${all[0]?.model}), ${process.platform}, load average ${load()}`
}

/** Of the last minute. */
export function load(): string {
  return loadavg()[0]?.toFixed(1) ?? '-'
}

/** What a package.json of peers names, with versions. */
export async function peersOf(packageFile: URL): Promise<string> {
  const { dependencies } = JSON.parse(await readFile(packageFile, 'utf8')) as { dependencies: Record<string, string> }
  return Object.entries(dependencies)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}
