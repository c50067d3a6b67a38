import type { Random } from './random.ts'
import { MONTHS, PEOPLE, PLACES, SUBJECTS, type Subject } from './sentences.ts'

export interface Table {
  header: string[]
  rows: string[][]
}

export interface Section {
  level: 2 | 3 | 4
  heading: string
  paragraphs: string[]
  list: string[] | null
  table: Table | null
}

/** A document before it has a format. */
export interface Article {
  subject: Subject
  title: string
  author: string
  place: string
  /** `2019-03-14` */
  date: string
  intro: string[]
  sections: Section[]
}

/** An article of so many sections, each of one to four paragraphs (300 to 2,000 characters). */
export function makeArticle(random: Random, sections: number, subject: Subject = random.pick(SUBJECTS)): Article {
  const place = random.pick(PLACES)
  const author = random.pick(PEOPLE)
  const year = random.int(1987, 2024)
  const two = (value: number) => String(value).padStart(2, '0')
  const context = { subject, place, author, year }
  return {
    subject,
    title: `${subject.title}: ${place} ${year}`,
    author,
    place,
    date: `${year}-${two(random.int(1, 12))}-${two(random.int(1, 28))}`,
    intro: paragraphs(random, context, 1),
    sections: Array.from({ length: sections }, (_, index) => makeSection(random, context, index)),
  }
}

interface Context {
  subject: Subject
  place: string
  author: string
  year: number
}

function makeSection(random: Random, context: Context, index: number): Section {
  const level = index === 0 ? 2 : random.pick([2, 2, 3, 4] as const)
  return {
    level,
    heading: `${random.pick(context.subject.headings)}, part ${index + 1}`,
    paragraphs: paragraphs(random, context, random.int(1, 4)),
    list: random.chance(0.4) ? random.sample(context.subject.sentences, random.int(2, 5)) : null,
    table: random.chance(0.3) ? makeTable(random, context) : null,
  }
}

function paragraphs(random: Random, context: Context, count: number): string[] {
  return Array.from({ length: count }, () => {
    const sentences = random.sample(context.subject.sentences, random.int(3, 6))
    sentences.splice(random.int(0, sentences.length), 0, makeFact(random, context))
    return sentences.join(' ')
  })
}

/** A sentence that stands in no other document: it names a place, a person or a figure of this one. */
function makeFact(random: Random, { subject, place, author, year }: Context): string {
  const values: Record<string, string> = {
    place,
    person: random.chance(0.5) ? author : random.pick(PEOPLE),
    year: String(year),
    month: random.pick(MONTHS),
    n: String(random.int(4, 28)),
    m: String(random.int(30, 950)),
  }
  return random.pick(subject.facts).replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name)
}

function makeTable(random: Random, { subject, year }: Context): Table {
  const rows = random
    .sample(subject.terms, random.int(3, 6))
    .map((term) => [term, String(random.int(10, 990)), `${random.pick(MONTHS)} ${year}`, random.pick(PEOPLE)])
  return { header: ['Term', 'Count', 'Recorded', 'By'], rows }
}

/** The paragraphs of an article one after the other, headings included. */
export function articleLines(article: Article): string[] {
  const lines = [article.title, `${article.author}, ${article.date}`, ...article.intro]
  for (const section of article.sections) {
    lines.push(section.heading, ...section.paragraphs, ...(section.list ?? []).map((item) => `- ${item}`))
    for (const row of section.table ? [section.table.header, ...section.table.rows] : []) lines.push(row.join('   '))
  }
  return lines
}

/** Words cut into lines of at most `width` characters. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  if (line !== '') lines.push(line)
  return lines
}
