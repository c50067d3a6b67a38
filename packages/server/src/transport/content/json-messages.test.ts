import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitJson } from './json-messages.ts'

const split = (text: string) => splitJson(Buffer.from(text))
const refusal = (body: Buffer) => {
  try {
    return splitJson(body)
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** JSON as people and programs write it: any value, indented or not, with white space where it may stand. */
const written = fc
  .tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 1, '\t'), fc.constantFrom('', ' ', '\r\n', '\t \n'))
  .map(([value, indent, space]) => `${space}${JSON.stringify(value, null, indent)}${space}`)

describe('the messages of a JSON body', () => {
  it('[HTTP9] are the elements of an array, and else the one value, for any JSON', () => {
    fc.assert(
      fc.property(written, (text) => {
        const value: unknown = JSON.parse(text)
        const expected = Array.isArray(value) ? value : [value]
        expect(split(text).map((message) => JSON.parse(message))).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('[HTTP9] keep the bytes of each element, whatever stands between them', () => {
    fc.assert(
      fc.property(fc.array(written), fc.constantFrom('', ' ', '\n\t'), (elements, space) => {
        const messages = split(`[${space}${elements.join(`${space},${space}`)}${space}]`)
        expect(messages).toEqual(elements.map((element) => element.trim()))
      }),
      { numRuns: 500 },
    )
  })

  it('[HTTP9] are written as they came: numbers, escapes, inner white space, one level only', () => {
    expect(split('[1.0, 1e400 ,9007199254740993]')).toEqual(['1.0', '1e400', '9007199254740993'])
    expect(split('["\\u0041\\\\", "a,]\\"[" , "\\\\\\\\"]')).toEqual(['"\\u0041\\\\"', '"a,]\\"["', '"\\\\\\\\"'])
    expect(split('{ "a": [1,\n2] }\n')).toEqual(['{ "a": [1,\n2] }'])
    expect(split('[[1,2], [3,4]]')).toEqual(['[1,2]', '[3,4]'])
    expect([split('[[[1,2,3]]]'), split(' [ ] '), split('[""]')]).toEqual([['[[1,2,3]]'], [], ['""']])
  })

  it('[HTTP9] a body that is not JSON in UTF-8 is refused', () => {
    const bad = ['', ' ', '{', '[1,]', '[,1]', '1 2', "{'a':1}", '\ufeff[1]', '\u00a0[1]', '"\n"', 'NaN', '[1]]']
    for (const text of bad) expect(refusal(Buffer.from(text)), text).toBe('INVALID_INPUT')
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xc3, 0x22],
    ]) {
      expect(refusal(Buffer.from(bytes))).toBe('INVALID_INPUT')
    }
  })

  it('[HTTP9] a body nested as deep as a body can be is taken apart like any other', () => {
    const depth = 200_000
    const inner = `${'['.repeat(depth)}${']'.repeat(depth)}`
    expect(split(`[${inner},${inner}]`)).toEqual([inner, inner])
  })
})
