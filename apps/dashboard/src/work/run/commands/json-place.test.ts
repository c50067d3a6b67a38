import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findPlace, findSyntaxError, lineOf } from './json-place.ts'

const TEXT = `{
  "name": "a, \\"b\\" }",
  "companies": [
    { "domain": "one.example", "tags": [] },
    { "domain": 7 }
  ],
  "limit": 20
}`

describe('the place of a field in a JSON text', () => {
  it('[PG65] is where its value begins, however the path is written', () => {
    for (const path of ['companies[1].domain', 'companies.1.domain', '/companies/1/domain']) {
      const place = findPlace(TEXT, path)
      expect(TEXT.slice(place, place + 1)).toBe('7')
      expect(lineOf(TEXT, place)).toBe(5)
    }
    expect(lineOf(TEXT, findPlace(TEXT, 'limit'))).toBe(7)
    expect(findPlace(TEXT, '')).toBe(0)
  })

  it('[PG65] is that of what is around a field that is not there', () => {
    expect(lineOf(TEXT, findPlace(TEXT, 'companies[0].phone'))).toBe(4)
    expect(lineOf(TEXT, findPlace(TEXT, 'companies[9].domain'))).toBe(3)
    expect(findPlace(TEXT, 'unknown')).toBe(0)
  })

  it('[PG65] is right for every value of any text', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        for (const { path, expected } of leaves(value)) {
          const rest = text.slice(findPlace(text, path))
          expect(rest.startsWith(JSON.stringify(expected))).toBe(true)
        }
      }),
    )
  })

  it('[PG65] of text that is no JSON is where it stops being so', () => {
    const told = (text: string) => {
      const wrong = findSyntaxError(text)
      return wrong && `${lineOf(text, wrong.place)}: ${wrong.message}`
    }
    expect(told('{\n  "a": 1,\n  "b": nothing\n}')).toBe('3: A value is expected, not "n"')
    expect(told('{\n  "a": 1\n  "b": 2\n}')).toBe('3: A comma or } is expected, not "\\""')
    expect(told('{ a: 1 }')).toBe('1: A name in double quotes is expected, not "a"')
    expect(told('[1, 2')).toBe('1: A comma or ] is expected, but it ends here')
    expect(told('{} x')).toBe('1: The end is expected, not "x"')
    expect(told(TEXT)).toBeNull()
  })

  it('[PG65] takes just what JSON.parse takes', () => {
    const isJson = (text: string) => {
      try {
        JSON.parse(text)
        return true
      } catch {
        return false
      }
    }
    const mangled = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', ',', ']', '}', '0', '-', '.', ' ', '\\', 'e1'))
      .map(
        ([text, at, more]) => text.slice(0, at % (text.length + 1)) + more + text.slice((at % (text.length + 1)) + 1),
      )
    fc.assert(
      fc.property(mangled, (text) => {
        expect([text, findSyntaxError(text) === null]).toEqual([text, isJson(text)])
      }),
      { numRuns: 500 },
    )
  })
})

interface Leaf {
  path: string
  expected: unknown
}

/** Every value that is no object, with names a path can be written with. */
function leaves(value: unknown, path: string[] = []): Leaf[] {
  if (typeof value !== 'object' || value === null) return [{ path: path.join('.'), expected: value }]
  return Object.entries(value).flatMap(([name, inner]) =>
    /^[^./[\]]+$/.test(name) ? leaves(inner, [...path, name]) : [],
  )
}
