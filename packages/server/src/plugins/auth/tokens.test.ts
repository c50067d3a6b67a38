import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type TokenClaims, Tokens } from './tokens.ts'

const NOW = Date.UTC(2026, 0, 1)
const SECRET = Buffer.alloc(32, 7)
const OLD = Buffer.alloc(32, 8)
const CLAIMS: TokenClaims = {
  subject: 'ann',
  scope: ['read:projects/p1/*'],
  authTime: NOW - 1_234,
  issuedAt: NOW - 5,
  expiresAt: NOW + 60_000,
  id: 'id-1',
}

const tokens = new Tokens([SECRET])
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const read = (text = '') => JSON.parse(Buffer.from(text, 'base64url').toString())

describe('tokens', () => {
  it('[AUTH15] say who, what they may do, since when and until when', async () => {
    const token = await tokens.sign(CLAIMS)
    expect(await tokens.verify(token, NOW)).toEqual(CLAIMS)
    const [header, payload] = token.split('.').map((text, index) => (index < 2 ? read(text) : text))
    expect(header).toEqual({ alg: 'HS256', typ: 'JWT', kid: expect.any(String) })
    const { exp, iat, auth_time: authTime } = payload
    expect([exp, iat, authTime]).toEqual([NOW / 1000 + 60, NOW / 1000 - 0.005, NOW / 1000 - 1.234])
    expect(payload).toMatchObject({ iss: 'holdfast', aud: 'holdfast', sub: 'ann', jti: 'id-1', scope: CLAIMS.scope })
    expect(await tokens.verify(token, NOW + 59_999)).toEqual(CLAIMS)
    expect(await tokens.verify(token, NOW + 60_000)).toBe('expired')
  })

  it("[AUTH15] whatever is not signed by us with our algorithm is nobody's", async () => {
    const [header = '', payload = '', signature = ''] = (await tokens.sign(CLAIMS)).split('.')
    const { kid } = read(header)
    const claims = read(payload)
    const signed = (head: object, body: object, key: Buffer | string = SECRET, hash = 'sha256') => {
      const text = `${part(head)}.${part(body)}`
      return `${text}.${createHmac(hash, key).update(text).digest('base64url')}`
    }
    const head = { alg: 'HS256', typ: 'JWT', kid }
    const forged = [
      `${part({ ...head, alg: 'none' })}.${payload}.`,
      `${part({ ...head, alg: 'none' })}.${payload}.${signature}`,
      `${part({ alg: 'none', typ: 'JWT' })}.${payload}.`,
      `${header}.${part({ ...claims, scope: ['manage:*'] })}.${signature}`,
      `${header}.${part({ ...claims, exp: claims.exp + 60 })}.${signature}`,
      `${part({ ...head, alg: 'HS512' })}.${payload}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      // The secret itself is not the key.
      signed(head, claims),
      signed(head, claims, ''),
      signed({ ...head, alg: 'HS384' }, claims, SECRET, 'sha384'),
      signed({ ...head, kid: undefined }, claims),
      await new Tokens([OLD]).sign(CLAIMS),
      '',
      '..',
    ]
    for (const token of forged) expect(await tokens.verify(token, NOW), token).toBe('not_ours')
    const ours = fc.oneof(
      fc.string(),
      fc.tuple(fc.string(), fc.string(), fc.string()).map((parts) => parts.join('.')),
    )
    await fc.assert(fc.asyncProperty(ours, async (text) => (await tokens.verify(text, NOW)) === 'not_ours'))
  })

  it('[AUTH17] a secret that was replaced still verifies, and signs no more', async () => {
    const before = await new Tokens([OLD]).sign(CLAIMS)
    const both = new Tokens([SECRET, OLD])
    expect(await both.verify(before, NOW)).toEqual(CLAIMS)
    const after = await both.sign(CLAIMS)
    expect([await tokens.verify(after, NOW), await new Tokens([OLD]).verify(after, NOW)]).toEqual([CLAIMS, 'not_ours'])
  })
})
