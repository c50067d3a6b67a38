import { readFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import type { Figure, Section } from './sections/section.ts'

/** One table in Markdown; the last column says how the first value stands to Holdfast's of the same line. */
function table({ title, note, columns, figures }: Section): string {
  const head = ['', 'server', 'durable', ...columns, `${columns[0]}, ratio to holdfast`]
  const lines = figures.map((figure) => [
    figure.what,
    figure.contender,
    figure.durable ? 'yes' : 'no',
    ...figure.values.map(number),
    ratio(figure, figures),
  ])
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [`## ${title}`, '', note, '', row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n')
}

function ratio(figure: Figure, figures: readonly Figure[]): string {
  const ours = figures.find(({ what, contender }) => what === figure.what && contender === 'holdfast')
  const [mine, theirs] = [ours?.values[0], figure.values[0]]
  if (ours === figure || !mine || theirs === null || theirs === undefined) return ''
  return `${number(theirs / mine)} x`
}

function number(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '-'
  if (value === 0) return '0'
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** The report of what was measured now. */
export async function render(sections: readonly Section[], rounds: number): Promise<string> {
  return [await head(rounds), ...sections.map(table)].join('\n\n').concat('\n')
}

/** An earlier report with the tables of what was measured now in their places; the others are as they were. */
export async function update(earlier: string, sections: readonly Section[], rounds: number): Promise<string> {
  const tables = new Map(
    earlier
      .split(/\n(?=## )/)
      .slice(1)
      .map((text) => [text.split('\n', 1)[0], text.trim()]),
  )
  for (const section of sections) tables.set(`## ${section.title}`, table(section))
  return [await head(rounds), ...tables.values()].join('\n\n').concat('\n')
}

async function head(rounds: number): Promise<string> {
  const peers = JSON.parse(await readFile(new URL('peers/package.json', import.meta.url), 'utf8'))
  const versions = Object.entries(peers.dependencies).map(([name, version]) => `${name} ${version}`)
  return [
    '# Streams, side by side',
    '',
    `Written by \`node bench/streams.ts --write\`: Node ${process.versions.node}, ${cpus().length} cores, ${process.platform}, load average ${loadavg()[0]?.toFixed(1)} at the`,
    `end (the programs that make the load included: they share the cores with the server). ${versions.join(', ')}.`,
    `Each figure is the median of ${rounds} round${rounds > 1 ? 's' : ''} with the servers taking turns; memory, resume, length and joining are measured once.`,
  ].join('\n')
}
