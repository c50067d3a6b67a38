import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareOffsets, formatOffset, OFFSET_NOW, OFFSET_START, type Position, parseOffset } from './offset.ts'

const part = fc.oneof(fc.maxSafeNat(), fc.nat({ max: 20 }), fc.integer({ min: 2 ** 53 - 20, max: 2 ** 53 - 1 }))
const position = fc.record({ incarnation: part, seq: part })

describe('offset', () => {
  it('[OFF1] every position comes back as it went in, as 33 characters', () => {
    fc.assert(
      fc.property(position, (given) => {
        const offset = formatOffset(given)
        expect(offset).toHaveLength(33)
        expect(parseOffset(offset)).toEqual(given)
      }),
      { numRuns: 1_000 },
    )
  })

  it('[OFF1] what is read as an offset is written as the same text', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0189'), minLength: 16, maxLength: 16 })
    fc.assert(
      fc.property(digits, digits, (incarnation, seq) => {
        const text = `${incarnation}_${seq}`
        const read = parseOffset(text)
        if (read) expect(formatOffset(read)).toBe(text)
        else expect(Number(incarnation) > 2 ** 53 - 1 || Number(seq) > 2 ** 53 - 1).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  it('[OFF2] texts sort as positions do', () => {
    const order = (a: Position, b: Position) => Math.sign(a.incarnation - b.incarnation || a.seq - b.seq)
    fc.assert(
      fc.property(position, position, fc.boolean(), (a, b, sameHistory) => {
        const other = sameHistory ? { ...b, incarnation: a.incarnation } : b
        expect(compareOffsets(formatOffset(a), formatOffset(other))).toBe(order(a, other))
      }),
      { numRuns: 1_000 },
    )
    fc.assert(
      fc.property(fc.array(position, { maxLength: 30 }), (positions) => {
        const sorted = positions.map(formatOffset).sort().map(parseOffset)
        expect(sorted).toEqual([...positions].sort(order))
      }),
    )
  })

  it('[OFF3] nothing but an offset is read as one', () => {
    const near = fc
      .tuple(position, fc.nat({ max: 33 }), fc.string({ maxLength: 3 }), fc.nat({ max: 3 }))
      .map(([at, from, put, gone]) => {
        const text = formatOffset(at)
        return text.slice(0, from) + put + text.slice(from + gone)
      })
    const text = fc.oneof(near, fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789_-+e. \n٣') }))
    fc.assert(
      fc.property(text, (given) => {
        const read = parseOffset(given)
        if (read !== null) expect(formatOffset(read)).toBe(given)
      }),
      { numRuns: 5_000 },
    )
  })

  it.each([
    OFFSET_START,
    OFFSET_NOW,
    '',
    '0_0',
    `${'0'.repeat(16)}_${'0'.repeat(16)}\n`,
    `\n${'0'.repeat(16)}_${'0'.repeat(16)}`,
    `${'9'.repeat(16)}_${'0'.repeat(16)}`,
    `${'0'.repeat(16)}_9007199254740992`,
    `${'0'.repeat(16)}-${'0'.repeat(16)}`,
    `${'0'.repeat(15)}٣_${'0'.repeat(16)}`,
    `-${'0'.repeat(15)}_${'0'.repeat(16)}`,
    `${'0'.repeat(17)}_${'0'.repeat(16)}`,
  ])('[OFF3] %j is no offset', (text) => {
    expect(parseOffset(text)).toBeNull()
  })

  it('[OFF4] no number is written that would not come back', () => {
    for (const bad of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, '1' as unknown as number]) {
      expect(() => formatOffset({ incarnation: bad, seq: 0 })).toThrow(RangeError)
      expect(() => formatOffset({ incarnation: 0, seq: bad })).toThrow(RangeError)
    }
    expect(formatOffset({ incarnation: 0, seq: 2 ** 53 - 1 })).toBe('0000000000000000_9007199254740991')
  })
})
