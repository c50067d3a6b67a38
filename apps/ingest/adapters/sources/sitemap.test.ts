import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Listed, NotASitemapError, readSitemap } from './sitemap.ts'

async function read(text: string | Buffer, size = 7): Promise<Listed[]> {
  const bytes = Buffer.from(text)
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const listed: Listed[] = []
  for await (const entry of readSitemap(pieces())) listed.push(entry)
  return listed
}
const addresses = async (text: string) => (await read(text)).map(({ address }) => address)

describe('reading a sitemap', () => {
  it('[P9b] lists pages and sitemaps, and none of the pictures', async () => {
    const pages = `<?xml version="1.0"?><!-- <url><loc>http://a/no</loc></url> --><!DOCTYPE urlset [<!ENTITY x "<loc>boo</loc>">]>
      <urlset xmlns="x" xmlns:image="y"><url><loc> http://a/1?b=1&amp;c=2 </loc><image:image><image:loc>http://a/p.png</image:loc></image:image>
      </url><url><lastmod/><loc><![CDATA[http://a/2&3]]></loc></url><url><loc>http://a/&#x34;&#53;&x;</loc></url></urlset>`
    expect(await addresses(pages)).toEqual(['http://a/1?b=1&c=2', 'http://a/2&3', 'http://a/45&x;'])
    const index = '<s:sitemapindex xmlns:s="x"><s:sitemap><s:loc>http://a/s.xml</s:loc></s:sitemap></s:sitemapindex>'
    expect(await read(index)).toEqual([{ kind: 'sitemap', address: 'http://a/s.xml' }])
  })

  it('[P9b] reads a plain list of addresses', async () => {
    expect(await addresses('\uFEFFhttp://a/1\r\nhttps://a/ä\n\n# none\nhttp://a/3')).toEqual([
      'http://a/1',
      'https://a/ä',
      'http://a/3',
    ])
  })

  it('[P9b] says of anything else that it is no sitemap', async () => {
    const texts = [
      '',
      '   ',
      '<html><body>Not found</body></html>',
      '<rss></rss>',
      'hello world',
      '<urlset><url>',
      '<urlset',
      'x'.repeat(200_000),
    ]
    texts.push(
      `<urlset>${'<a>'.repeat(1_000)}`,
      `<urlset><url><loc>${'x'.repeat(200_000)}</loc></url></urlset>`,
      '{"a":1}',
    )
    for (const text of texts) await expect(read(text, 1000), text.slice(0, 20)).rejects.toBeInstanceOf(NotASitemapError)
  })

  it('[P9b] reads the same wherever the network cuts it, and never hangs on anything', async () => {
    const urls = Array.from(
      { length: 20 },
      (_, n) => `<url><!-- ${n} --><loc>http://a/ä🎈${n}?x=1&amp;y</loc><x:loc>no</x:loc></url>`,
    )
    const whole = `<?xml version="1.0"?><urlset>${urls.join('\n')}</urlset>`
    const expected = await read(whole, 1_000_000)
    expect(expected).toHaveLength(20)
    for (let size = 1; size < 40; size++) expect(await read(whole, size)).toEqual(expected)
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.constantFrom(
            '<',
            '>',
            '<!--',
            '-->',
            '<![CDATA[',
            ']]>',
            '<!DOCTYPE [',
            'urlset',
            '/',
            'loc',
            '&#',
            ';',
            ' ',
          ),
        ),
        async (parts) => {
          await read(`<urlset>${parts.join('')}`, 3).catch((error) => expect(error).toBeInstanceOf(NotASitemapError))
        },
      ),
      { seed: 7, numRuns: 300 },
    )
  })
})
