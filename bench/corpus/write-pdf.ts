import { jsPDF } from 'jspdf'
import { PDFDocument as PdfLibDocument, StandardFonts } from 'pdf-lib'
import PdfKitDocument from 'pdfkit'
import { type Article, wrap } from './prose.ts'

export interface PdfOptions {
  /** Opening it asks for this. */
  password?: string
  /** Laid in two columns. */
  columns?: boolean
}

/** pdfkit: compressed streams, standard fonts, links; RC4 encryption where there is a password. */
export async function writeWithPdfkit(article: Article, options: PdfOptions = {}): Promise<Buffer> {
  const at = new Date(article.date)
  const pdf = new PdfKitDocument({
    size: 'A4',
    pdfVersion: '1.4',
    info: { Title: article.title, Author: article.author, CreationDate: at, ModDate: at },
    ...(options.password === undefined ? {} : { userPassword: options.password }),
  })
  const body = { align: 'justify', ...(options.columns ? { columns: 2 } : {}) } as const
  pdf.font('Helvetica-Bold').fontSize(20).text(article.title).moveDown()
  pdf.font('Times-Roman').fontSize(11)
  for (const paragraph of article.intro) pdf.text(paragraph, body).moveDown()
  for (const section of article.sections) {
    pdf
      .font('Helvetica-Bold')
      .fontSize(20 - section.level * 2)
      .text(section.heading)
      .moveDown(0.5)
    pdf.font('Times-Roman').fontSize(11)
    for (const paragraph of section.paragraphs) pdf.text(paragraph, body).moveDown()
    if (section.list) pdf.list(section.list).moveDown()
    for (const row of section.table ? [section.table.header, ...section.table.rows] : []) pdf.text(row.join('    '))
  }
  pdf.text('Source', { link: 'https://example.com/source' })
  pdf.end()
  return Buffer.concat(await pdf.toArray())
}

/** pdfkit: pages that are pictures only. */
export async function writeScanned(png: Buffer, pages: number): Promise<Buffer> {
  const at = new Date(0)
  const pdf = new PdfKitDocument({ size: 'A4', info: { CreationDate: at, ModDate: at } })
  for (let page = 1; page <= pages; page += 1) {
    if (page > 1) pdf.addPage()
    pdf.image(png, 0, 0, { width: 595 })
  }
  pdf.end()
  return Buffer.concat(await pdf.toArray())
}

/** The lines of an article with their size; an empty one is a gap. */
function* typeset(article: Article, width: number): Generator<{ text: string; size: number }> {
  function* block(text: string, size: number) {
    for (const line of wrap(text, Math.floor((width * 11) / size))) yield { text: line, size }
    yield { text: '', size }
  }
  yield* block(article.title, 18)
  for (const paragraph of article.intro) yield* block(paragraph, 11)
  for (const section of article.sections) {
    yield* block(section.heading, 16 - section.level)
    for (const paragraph of section.paragraphs) yield* block(paragraph, 11)
    for (const item of section.list ?? []) yield* block(`- ${item}`, 11)
    for (const row of section.table?.rows ?? []) yield { text: row.join('   '), size: 10 }
  }
}

/** pdf-lib: object streams and a cross-reference stream. */
export async function writeWithPdfLib(article: Article): Promise<Buffer> {
  const pdf = await PdfLibDocument.create({ updateMetadata: false })
  pdf.setTitle(article.title)
  pdf.setAuthor(article.author)
  pdf.setCreator('corpus')
  pdf.setProducer('pdf-lib')
  pdf.setCreationDate(new Date(article.date))
  pdf.setModificationDate(new Date(article.date))
  const font = await pdf.embedFont(StandardFonts.TimesRoman)
  let page = pdf.addPage([612, 792])
  let y = 730
  for (const { text, size } of typeset(article, 92)) {
    if (y < 60) {
      page = pdf.addPage([612, 792])
      y = 730
    }
    if (text !== '') page.drawText(text, { x: 60, y, size, font })
    y -= size * 1.3
  }
  return Buffer.from(await pdf.save())
}

/** jsPDF: every page a plain, uncompressed stream. */
export function writeWithJsPdf(article: Article): Buffer {
  const pdf = new jsPDF({ unit: 'pt', format: 'a4' })
  pdf.setFont('helvetica', 'normal')
  pdf.setProperties({ title: article.title, author: article.author })
  pdf.setCreationDate(new Date(article.date))
  pdf.setFileId(Buffer.from(article.title.padEnd(16)).toString('hex').slice(0, 32).toUpperCase())
  let y = 70
  for (const { text, size } of typeset(article, 84)) {
    if (y > 780) {
      pdf.addPage()
      y = 70
    }
    pdf.setFontSize(size)
    if (text !== '') pdf.text(text, 60, y)
    y += size * 1.3
  }
  return Buffer.from(pdf.output('arraybuffer'))
}

/** PDF 1.4 by hand: no library, no compression, under a millisecond. Letters outside ASCII become question marks. */
export function writePlainPdf(lines: string[], title: string): Buffer {
  const perPage = 54
  const pageCount = Math.max(1, Math.ceil(lines.length / perPage))
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${pageCount} /Kids [${Array.from({ length: pageCount }, (_, at) => `${5 + at * 2} 0 R`).join(' ')}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    `<< /Title (${escapePdf(title)}) /Producer (by hand) >>`,
  ]
  for (let page = 0; page < pageCount; page += 1) {
    const text = lines.slice(page * perPage, (page + 1) * perPage).map((line) => `(${escapePdf(line)}) Tj T*`)
    const stream = `BT /F1 10 Tf 13 TL 50 790 Td\n${text.join('\n')}\nET`
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${6 + page * 2} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
      `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    )
  }
  let body = '%PDF-1.4\n'
  const offsets = objects.map((object, index) => {
    const offset = body.length
    body += `${index + 1} 0 obj\n${object}\nendobj\n`
    return `${String(offset).padStart(10, '0')} 00000 n \n`
  })
  const start = body.length
  const size = objects.length + 1
  body += `xref\n0 ${size}\n0000000000 65535 f \n${offsets.join('')}`
  body += `trailer\n<< /Size ${size} /Root 1 0 R /Info 4 0 R >>\nstartxref\n${start}\n%%EOF\n`
  return Buffer.from(body, 'latin1')
}

function escapePdf(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').replace(/[\\()]/g, '\\$&')
}
