/** The part of pdfkit that the corpus uses; it brings no types of its own. */
declare module 'pdfkit' {
  import type { Readable } from 'node:stream'

  interface TextOptions {
    align?: 'left' | 'justify'
    indent?: number
    link?: string
    columns?: number
  }

  export interface PdfKitDocument extends Readable {
    font(name: string): this
    fontSize(size: number): this
    text(text: string, options?: TextOptions): this
    moveDown(lines?: number): this
    addPage(): this
    image(png: Buffer, x: number, y: number, options: { width: number }): this
    list(items: string[]): this
    end(): void
  }

  interface PdfKitOptions {
    size?: 'A4' | 'LETTER'
    pdfVersion?: '1.4' | '1.5' | '1.7'
    compress?: boolean
    userPassword?: string
    info?: { Title?: string; Author?: string; CreationDate?: Date; ModDate?: Date }
  }

  const PDFDocument: new (options?: PdfKitOptions) => PdfKitDocument
  export default PDFDocument
}
