import { describe, expect, it } from 'vitest'
import { checkContentType, isJson, mediaTypeOf, sseFormOf } from '../content/media-type.ts'
import { asksToClose, integer, lifetimeOf, producerOf, streamSeqOf } from './request-headers.ts'

const refused = expect.objectContaining({ code: 'INVALID_INPUT' })

describe('the headers of a request', () => {
  it('[HTTP12] Stream-Closed counts when it is true, in any case, and else is as absent', () => {
    const asked = ['true', 'TRUE', 'True', 'false', 'yes', '1', '', 'true, true'].map((value) =>
      asksToClose({ 'stream-closed': value }),
    )
    expect([asked, asksToClose({})]).toEqual([[true, true, true, false, false, false, false, false], false])
  })

  it('[HTTP13] whole numbers are strictly decimal and below 2^53', () => {
    const good: [string, number][] = [
      ['0', 0],
      ['3600', 3600],
      ['9007199254740991', 9007199254740991],
    ]
    for (const [text, value] of good) expect(integer('Stream-TTL', text)).toBe(value)
    const bad = ['', ' 1', '+1', '-1', '01', '1.0', '1e3', '0x1', '9007199254740992', '1'.repeat(400), '١']
    for (const text of bad) expect(() => integer('Stream-TTL', text), text).toThrow(refused)
  })

  it('[HTTP13] a stream lives for a time, until a time, or on', () => {
    expect([lifetimeOf({}), lifetimeOf({ 'stream-ttl': '60' })]).toEqual([{}, { ttl: 60 }])
    const times = ['2026-01-01T00:00:00Z', '2026-01-01T01:30:00+01:30', '2025-12-31t23:59:60.5z']
    expect(times.slice(0, 2).map((time) => lifetimeOf({ 'stream-expires-at': time }).expiresAt)).toEqual(
      Array(2).fill(Date.UTC(2026, 0, 1)),
    )
    const bad = ['', 'tomorrow', '2026-01-01', '2026-13-01T00:00:00Z', '2026-01-01T00:00:00', '1767225600', times[2]]
    for (const time of bad) expect(() => lifetimeOf({ 'stream-expires-at': time }), time).toThrow(refused)
    expect(() => lifetimeOf({ 'stream-ttl': '60', 'stream-expires-at': '2026-01-01T00:00:00Z' })).toThrow(refused)
  })

  it('[HTTP11] a producer is named by all three headers or by none', () => {
    const all = { 'producer-id': 'p', 'producer-epoch': '0', 'producer-seq': '7' }
    expect([producerOf(all), producerOf({})]).toEqual([{ id: 'p', epoch: 0, seq: 7 }, undefined])
    for (const name of Object.keys(all)) {
      expect(() => producerOf({ ...all, [name]: undefined }), name).toThrow(refused)
      expect(() => producerOf({ ...all, [name]: '' }), name).toThrow(refused)
    }
    expect(() => producerOf({ ...all, 'producer-id': 'p'.repeat(256) })).toThrow(refused)
    expect([streamSeqOf({}), streamSeqOf({ 'stream-seq': 'a' })]).toEqual([undefined, 'a'])
    for (const seq of ['', 'a'.repeat(256)]) expect(() => streamSeqOf({ 'stream-seq': seq })).toThrow(refused)
  })

  it('[HTTP10] a content type is a media type with parameters, and its type alone decides', () => {
    const types = ['application/json', 'Application/JSON ; charset=utf-8', 'application/ld+json', 'text/plain;x="a b"']
    expect(types.map(checkContentType)).toEqual(types)
    expect(types.map(isJson)).toEqual([true, true, false, false])
    expect(types.map(mediaTypeOf)[1]).toBe('application/json')
    expect(types.map(sseFormOf)).toEqual(['json', 'json', 'base64', 'text'])
    for (const bad of ['json', 'a/b/c', 'text/', '/plain', 'text/plain\r\nx: y', 'text/ü', `a/${'b'.repeat(300)}`]) {
      expect(() => checkContentType(bad), bad).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_MEDIA_TYPE' }))
    }
  })
})
