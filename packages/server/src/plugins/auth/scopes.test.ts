import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Action, allows, covers, parseScope } from './scopes.ts'

const ACTIONS: Action[] = ['read', 'append', 'manage']
const action = fc.constantFrom(...ACTIONS)
const segment = fc.stringMatching(/^[a-c][a-c._~-]{0,2}$/)
const name = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'))
const pattern = fc.oneof(
  fc.constant('*'),
  name,
  name.map((text) => `${text}/*`),
)
const scope = fc.tuple(action, pattern).map((parts) => parts.join(':'))
const scopes = fc.array(scope, { maxLength: 4 })

describe('what a scope lets be done', () => {
  it('[AUTH16] a name is that stream alone, with /* all below it too, * everything; manage is append and read', () => {
    const table: [held: string, action: Action, stream: string, may: boolean][] = [
      ['read:projects/p1/*', 'read', 'projects/p1', true],
      ['read:projects/p1/*', 'read', 'projects/p1/ingestions/i1', true],
      ['read:projects/p1/*', 'read', 'projects/p10', false],
      ['read:projects/p1/*', 'read', 'projects', false],
      ['read:projects/p1/*', 'read', 'operators/projects', false],
      ['read:projects/p1/*', 'append', 'projects/p1', false],
      ['read:projects/p1', 'read', 'projects/p1', true],
      ['read:projects/p1', 'read', 'projects/p1/x', false],
      ['append:notes/*', 'append', 'notes/a', true],
      ['append:notes/*', 'read', 'notes/a', false],
      ['append:notes/*', 'manage', 'notes/a', false],
      ['manage:notes/*', 'append', 'notes/a', true],
      ['manage:notes/*', 'read', 'notes/a', true],
      ['manage:notes/*', 'manage', 'other', false],
      ['read:*', 'read', 'anything/at/all', true],
      ['read:*', 'manage', 'anything', false],
      ['manage:*', 'manage', 'anything', true],
    ]
    for (const [held, action, stream, may] of table) {
      expect(allows([held], action, stream), `${held} ${action} ${stream}`).toBe(may)
    }
    expect(allows([], 'read', 'a')).toBe(false)
  })

  it('[AUTH16] any other text is no scope and lets nothing be done', () => {
    const wrong = ['', '*', 'read', 'read:', 'read:/', 'read:/*', 'read:a/', 'read:*/a', 'read:a*', 'read:a/*/b']
    wrong.push('read:a/**', 'read:**', 'read: a', ' read:a', 'read:a ', 'read:a\n', 'READ:a', 'write:a', 'read:a:b')
    wrong.push('read:a,b', 'read:../a', 'read:a//b', `read:${'x'.repeat(513)}`, 'read:%2e', '__proto__:*')
    for (const text of wrong) {
      expect(parseScope(text), text).toBeNull()
      for (const action of ACTIONS) expect(allows([text], action, 'a'), text).toBe(false)
      expect(covers(['manage:*'], text), text).toBe(false)
    }
    const said = fc.oneof(
      fc.string(),
      fc.tuple(action, fc.string()).map((parts) => parts.join(':')),
    )
    fc.assert(
      fc.property(said, (text) => {
        const parsed = parseScope(text)
        if (!parsed) return
        const { action, name, below } = parsed
        expect(`${action}:${name ?? '*'}${name !== null && below ? '/*' : ''}`).toBe(text)
      }),
    )
  })

  it('[AUTH16] what is covered lets nothing be done that what covers it does not', () => {
    fc.assert(
      fc.property(scopes, scope, action, name, (held, asked, what, stream) => {
        if (covers(held, asked) && allows([asked], what, stream)) expect(allows(held, what, stream)).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  it('[AUTH16] whoever may do all of it covers it', () => {
    fc.assert(
      fc.property(scope, (one) => {
        expect([covers([one], one), covers(['manage:*'], one)]).toEqual([true, true])
      }),
    )
    expect(covers(['read:a/*'], 'read:a')).toBe(true)
    expect(covers(['read:a'], 'read:a/*')).toBe(false)
    expect(covers(['read:a/*'], 'read:*')).toBe(false)
    expect(covers(['manage:a/*'], 'append:a/b/*')).toBe(true)
    expect(covers(['append:a/*'], 'read:a/b')).toBe(false)
  })
})
