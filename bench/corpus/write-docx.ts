import {
  Document,
  ExternalHyperlink,
  FootnoteReferenceRun,
  HeadingLevel,
  Packer,
  Paragraph,
  Table,
  TableCell,
  TableRow,
  TextRun,
} from 'docx'
import type { Article, Section } from './prose.ts'
import { readZip, writeZip, type ZipEntry } from './zip.ts'

const HEADINGS = { 2: HeadingLevel.HEADING_1, 3: HeadingLevel.HEADING_2, 4: HeadingLevel.HEADING_3 } as const

/** By the `docx` package: headings, lists, tables, a hyperlink and a footnote. */
export async function writeWithDocx(article: Article): Promise<Buffer> {
  const document = new Document({
    title: article.title,
    creator: article.author,
    footnotes: { 1: { children: [new Paragraph(`First recorded by ${article.author}, ${article.date}.`)] } },
    sections: [
      {
        children: [
          new Paragraph({ text: article.title, heading: HeadingLevel.TITLE }),
          ...article.intro.map((text) => new Paragraph({ children: [new TextRun(text), new FootnoteReferenceRun(1)] })),
          ...article.sections.flatMap(docxSection),
          new Paragraph({
            children: [
              new ExternalHyperlink({ link: 'https://example.com/source', children: [new TextRun('Source')] }),
            ],
          }),
        ],
      },
    ],
  })
  return withoutChance(await Packer.toBuffer(document), article.date)
}

function docxSection(section: Section): (Paragraph | Table)[] {
  const blocks: (Paragraph | Table)[] = [
    new Paragraph({ text: section.heading, heading: HEADINGS[section.level] }),
    ...section.paragraphs.map((text) => new Paragraph(text)),
    ...(section.list ?? []).map((text) => new Paragraph({ text, bullet: { level: 0 } })),
  ]
  if (section.table) {
    const rows = [section.table.header, ...section.table.rows]
    const cells = (row: string[]) => row.map((text) => new TableCell({ children: [new Paragraph(text)] }))
    blocks.push(new Table({ rows: rows.map((row) => new TableRow({ children: cells(row) })) }))
  }
  return blocks
}

/** The package writes the time of packing and random link ids; with them replaced the same article gives the same bytes. */
function withoutChance(zip: Buffer, date: string): Buffer {
  const ids = new Map<string, string>()
  const entries = readZip(zip).map(({ name, content }) => {
    if (!/\.(xml|rels)$/.test(name)) return { name, content }
    const xml = content
      .toString('utf8')
      .replace(/(<dcterms:\w+[^>]*>)[^<]*/g, `$1${date}T00:00:00Z`)
      .replace(/"rId([\w-]{12,})"/g, (_, id: string) => {
        if (!ids.has(id)) ids.set(id, `rIdLink${ids.size + 1}`)
        return `"${ids.get(id)}"`
      })
    return { name, content: Buffer.from(xml) }
  })
  return writeZip(entries)
}

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const OFFICE = 'http://schemas.openxmlformats.org'
const WORD = `${OFFICE}/wordprocessingml/2006/main`
const RELATIONS = `${OFFICE}/officeDocument/2006/relationships`

/** By hand, in the parts and the order word processors write: styles, numbering, footnotes, relations. */
export function writePlainDocx(article: Article): Buffer {
  return writeZip(plainDocxEntries(article))
}

export function plainDocxEntries(article: Article): ZipEntry[] {
  const parts: [string, string][] = [
    ['[Content_Types].xml', contentTypes()],
    ['_rels/.rels', relations([['rId1', `${RELATIONS}/officeDocument`, 'word/document.xml']])],
    ['word/document.xml', documentXml(article)],
    ['word/_rels/document.xml.rels', documentRelations()],
    ['word/styles.xml', stylesXml()],
    ['word/numbering.xml', numberingXml()],
    ['word/footnotes.xml', footnotesXml(article)],
  ]
  return parts.map(([name, xml]) => ({ name, content: Buffer.from(XML + xml) }))
}

function documentXml(article: Article): string {
  const body = [
    paragraph(article.title, 'Title'),
    ...article.intro.map((text) => paragraph(text, null, '<w:r><w:footnoteReference w:id="2"/></w:r>')),
    ...article.sections.flatMap((section) => [
      paragraph(section.heading, `Heading${section.level - 1}`),
      ...section.paragraphs.map((text) => paragraph(text, null)),
      ...(section.list ?? []).map((text) => paragraph(text, 'ListParagraph')),
      ...(section.table ? [tableXml([section.table.header, ...section.table.rows])] : []),
    ]),
    '<w:p><w:hyperlink r:id="rId9"><w:r><w:t>Source</w:t></w:r></w:hyperlink></w:p>',
    '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/></w:sectPr>',
  ]
  return `<w:document xmlns:w="${WORD}" xmlns:r="${RELATIONS}"><w:body>${body.join('')}</w:body></w:document>`
}

/** A paragraph's words are split over several runs, as a word processor leaves them after editing. */
function paragraph(text: string, style: string | null, after = ''): string {
  const numbering = style === 'ListParagraph' ? '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>' : ''
  const properties = style === null ? '' : `<w:pPr><w:pStyle w:val="${style}"/>${numbering}</w:pPr>`
  const runs = (text.match(/.{1,160}(?= |$)|.+/gsu) ?? []).map(
    (piece) => `<w:r><w:t xml:space="preserve">${escapeXml(piece)}</w:t></w:r>`,
  )
  return `<w:p>${properties}${runs.join('')}${after}</w:p>`
}

function tableXml(rows: string[][]): string {
  const cell = (text: string) =>
    `<w:tc><w:tcPr><w:tcW w:w="2400" w:type="dxa"/></w:tcPr>${paragraph(text, null)}</w:tc>`
  const lines = rows.map((row) => `<w:tr>${row.map(cell).join('')}</w:tr>`)
  return `<w:tbl><w:tblPr><w:tblW w:w="0" w:type="auto"/></w:tblPr>${lines.join('')}</w:tbl>`
}

function contentTypes(): string {
  const word = 'application/vnd.openxmlformats-officedocument.wordprocessingml'
  const parts = [
    ['document', 'document.main'],
    ['styles', 'styles'],
    ['numbering', 'numbering'],
    ['footnotes', 'footnotes'],
  ].map(([name, type]) => `<Override PartName="/word/${name}.xml" ContentType="${word}.${type}+xml"/>`)
  const rels = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
  const xml = '<Default Extension="xml" ContentType="application/xml"/>'
  return `<Types xmlns="${OFFICE}/package/2006/content-types">${rels}${xml}${parts.join('')}</Types>`
}

function documentRelations(): string {
  const link = 'https://example.com/source" TargetMode="External'
  return relations([
    ...['styles', 'numbering', 'footnotes'].map((name, index): [string, string, string] => [
      `rId${index + 1}`,
      `${RELATIONS}/${name}`,
      `${name}.xml`,
    ]),
    ['rId9', `${RELATIONS}/hyperlink`, link],
  ])
}

function relations(list: [id: string, type: string, target: string][]): string {
  const lines = list.map(([id, type, target]) => `<Relationship Id="${id}" Type="${type}" Target="${target}"/>`)
  return `<Relationships xmlns="${OFFICE}/package/2006/relationships">${lines.join('')}</Relationships>`
}

function stylesXml(): string {
  const style = (id: string, name: string) =>
    `<w:style w:type="paragraph" w:styleId="${id}"><w:name w:val="${name}"/></w:style>`
  const headings = [1, 2, 3].map((level) => style(`Heading${level}`, `heading ${level}`))
  const others = [style('Title', 'Title'), style('ListParagraph', 'List Paragraph')]
  return `<w:styles xmlns:w="${WORD}">${[...others, ...headings].join('')}</w:styles>`
}

function numberingXml(): string {
  const level = '<w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="-"/></w:lvl>'
  const list = '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
  return `<w:numbering xmlns:w="${WORD}"><w:abstractNum w:abstractNumId="0">${level}</w:abstractNum>${list}</w:numbering>`
}

function footnotesXml(article: Article): string {
  const note = paragraph(`Compiled at ${article.place} by ${article.author}.`, null)
  return `<w:footnotes xmlns:w="${WORD}"><w:footnote w:id="2">${note}</w:footnote></w:footnotes>`
}

export function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
