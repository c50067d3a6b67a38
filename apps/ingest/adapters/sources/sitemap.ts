import { StringDecoder } from 'node:string_decoder'

/** One address a sitemap lists: a page, or another sitemap. */
export interface Listed {
  kind: 'page' | 'sitemap'
  address: string
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
// RFC 9110 asks for 8,000 at least; sitemaps.org allows 2,048.
const MAX_ADDRESS = 8_192
const MAX_TAG = 64 * 1024

/** What is said to hold no sitemap: a web page, a feed, a file of another kind. */
export class NotASitemapError extends Error {
  override readonly name = 'NotASitemapError'
}

/**
 * The addresses in a sitemap as they come: XML (`urlset`, `sitemapindex`) or plain text with one on each line. Holds
 * no more than the tag it is in. No document type is read and no entity of its own known, so that nothing expands.
 */
export async function* readSitemap(content: AsyncIterable<Uint8Array>): AsyncGenerator<Listed> {
  const decoder = new StringDecoder('utf8')
  let reader: SitemapReader | null = null
  let start = ''
  for await (const chunk of content) {
    const text = decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    if (!reader) {
      start = (start + text).replace(/^[\uFEFF\s]+/, '')
      if (start === '') continue
      reader = start.startsWith('<') ? new XmlSitemapReader() : new TextSitemapReader()
      yield* reader.read(start)
    } else {
      yield* reader.read(text)
    }
  }
  if (!reader) throw new NotASitemapError('It is empty.')
  yield* reader.end(decoder.end())
}

interface SitemapReader {
  read(text: string): Iterable<Listed>
  end(text: string): Iterable<Listed>
}

class TextSitemapReader implements SitemapReader {
  #rest = '';

  *read(text: string): Iterable<Listed> {
    const lines = (this.#rest + text).split(/\r\n|\n|\r/)
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > MAX_TAG) throw new NotASitemapError('It is not a list of addresses.')
    for (const line of lines) yield* this.#line(line)
  }

  *end(text: string): Iterable<Listed> {
    yield* this.read(`${text}\n`)
  }

  *#line(line: string): Iterable<Listed> {
    const address = line.trim()
    if (address === '' || address.startsWith('#')) return
    if (!/^https?:\/\//i.test(address)) throw new NotASitemapError('It is not a list of addresses.')
    yield { kind: 'page', address }
  }
}

/** Tags and text told apart, and nothing more of XML than that. */
class XmlSitemapReader implements SitemapReader {
  #rest = ''
  #isFirstTag = true
  /** The elements around, with their prefixes. */
  #open: string[] = []
  #address: string | null = null;

  *read(text: string): Iterable<Listed> {
    this.#rest += text
    let position = 0
    while (position < this.#rest.length) {
      const next = this.#rest[position] === '<' ? this.#tagEnd(position) : this.#textEnd(position)
      if (next === -1) break
      const piece = this.#rest.slice(position, next)
      position = next
      if (piece.startsWith('<![CDATA[')) this.#text(piece.slice(9, -3))
      else if (piece.startsWith('<!') || piece.startsWith('<?')) continue
      else if (piece.startsWith('<')) yield* this.#tag(piece)
      else this.#text(decodeEntities(piece))
    }
    this.#rest = this.#rest.slice(position)
    if (this.#rest.length > MAX_TAG) throw new NotASitemapError('It is not well-formed.')
  }

  *end(text: string): Iterable<Listed> {
    yield* this.read(text)
    if (this.#isFirstTag || this.#open.length > 0) throw new NotASitemapError('It ends in the middle.')
  }

  #textEnd(position: number): number {
    const end = this.#rest.indexOf('<', position)
    // Outside an address nobody needs the text, so there is no need to wait for its end.
    return end === -1 && this.#address === null ? this.#rest.length : end
  }

  #tagEnd(position: number): number {
    const after = (mark: string) => {
      const end = this.#rest.indexOf(mark, position)
      return end === -1 ? -1 : end + mark.length
    }
    const head = this.#rest.slice(position, position + 9)
    if (head.startsWith('<!--')) return after('-->')
    if (head === '<![CDATA[') return after(']]>')
    // Too short yet to tell a comment from a tag.
    if ('<!--'.startsWith(head) || '<![CDATA['.startsWith(head)) return -1
    if (head.startsWith('<!')) return this.#declarationEnd(position)
    return after('>')
  }

  /** A document type may hold declarations of its own between brackets. */
  #declarationEnd(position: number): number {
    let depth = 0
    for (let index = position; index < this.#rest.length; index++) {
      const character = this.#rest[index]
      if (character === '[') depth++
      else if (character === ']') depth--
      else if (character === '>' && depth <= 0) return index + 1
    }
    return -1
  }

  *#tag(piece: string): Iterable<Listed> {
    const [, prefix = '', local = ''] = /^<\/?([^\s/>:]+:)?([^\s/>]+)/.exec(piece.toLowerCase()) ?? []
    const name = prefix + local
    if (this.#isFirstTag) {
      this.#isFirstTag = false
      if (local !== 'urlset' && local !== 'sitemapindex') {
        throw new NotASitemapError(local === 'html' ? 'It is a web page.' : `It begins with <${name.slice(0, 40)}>.`)
      }
    }
    if (piece.startsWith('</')) {
      if (local === 'loc') yield* this.#closeAddress()
      if (this.#open.at(-1) === name) this.#open.pop()
      return
    }
    const parent = this.#open.at(-1)
    if (piece.endsWith('/>')) return
    this.#open.push(name)
    if (this.#open.length > 32) throw new NotASitemapError('It is nested too deep.')
    // Pictures and videos have addresses too, under a prefix of their own.
    if (local === 'loc' && (parent === `${prefix}url` || parent === `${prefix}sitemap`)) this.#address = ''
  }

  *#closeAddress(): Iterable<Listed> {
    const address = this.#address?.trim()
    this.#address = null
    if (address) yield { kind: this.#open.at(-2)?.endsWith('sitemap') ? 'sitemap' : 'page', address }
  }

  #text(text: string): void {
    if (this.#address !== null && this.#address.length < MAX_ADDRESS) this.#address += text
  }
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi, (whole, decimal, hex, name) => {
    if (name) return ENTITIES[name] ?? whole
    const point = decimal ? Number(decimal) : Number.parseInt(hex, 16)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}
