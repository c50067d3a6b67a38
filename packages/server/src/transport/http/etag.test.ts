import { formatOffset } from '@holdfast/protocol'
import { describe, expect, it } from 'vitest'
import { etagOf, matchesEtag } from './etag.ts'

const at = (seq: number) => formatOffset({ incarnation: 7, seq })

describe('the ETag of a page', () => {
  it('[HTTP17] names the stretch and how it stood', () => {
    const page = { after: at(2), offset: at(5), upToDate: false, sealed: false }
    expect([
      etagOf(page),
      etagOf({ ...page, upToDate: true }),
      etagOf({ ...page, upToDate: true, sealed: true }),
    ]).toEqual(['"7:2:5"', '"7:2:5:t"', '"7:2:5:c"'])
  })

  it('[HTTP17] matches where it is among those sent, weak ones included', () => {
    const etag = '"7:2:5"'
    for (const sent of ['"7:2:5"', 'W/"7:2:5"', '"x", "7:2:5"', ' * ']) expect(matchesEtag(sent, etag), sent).toBe(true)
    for (const sent of [undefined, '', '"7:2:5:t"', '7:2:5', '"x"']) expect(matchesEtag(sent, etag)).toBe(false)
  })
})
