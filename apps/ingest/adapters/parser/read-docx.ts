/** Reader of Word documents: checked for bombs, turned to HTML, then to text with headings. */
import mammoth from 'mammoth'
import type { Rejection } from '../../ports.ts'
import type { Content } from './extract.ts'
import { htmlToContent } from './html-to-text.ts'
import { scanZip } from './zip.ts'

const OLE = Buffer.from('d0cf11e0a1b11ae1', 'hex')
/** Word keeps a document with a password in an old-style container, under this name. */
const ENCRYPTED_STREAM = Buffer.from('EncryptedPackage', 'utf16le')

export async function readDocx(bytes: Buffer): Promise<Content | Rejection> {
  if (bytes.subarray(0, OLE.length).equals(OLE)) {
    return bytes.includes(ENCRYPTED_STREAM)
      ? { rejected: 'ENCRYPTED' }
      : { rejected: 'UNSUPPORTED_TYPE', detail: 'A document of an older Word; saved as .docx it can be read.' }
  }
  const harm = await scanZip(bytes)
  if (harm) return harm
  let html: string
  try {
    html = await toHtml(bytes)
  } catch (error) {
    if (error instanceof RangeError) throw error
    return { rejected: 'CORRUPT', detail: error instanceof Error ? error.message.slice(0, 200) : String(error) }
  }
  return htmlToContent(html, null)
}

async function toHtml(bytes: Buffer): Promise<string> {
  // Pictures would be unpacked and written into the HTML; only their place is kept.
  const convertImage = mammoth.images.imgElement(async () => ({ src: '' }))
  const { value } = await mammoth.convertToHtml({ buffer: bytes }, { convertImage })
  return value
}
