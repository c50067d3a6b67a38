import { describe, expect, it } from 'vitest'
import { scriptOf } from './page-version.ts'

describe('which build a page is', () => {
  it('[PG21] is told by the script its document starts with', () => {
    const built =
      '<script src="/assets/appearance-1.js"></script><script type="module" crossorigin src="/assets/index-a1.js">'
    expect(scriptOf(built)).toBe('/assets/index-a1.js')
  })

  it('[PG21] is not told by what is no page of ours', () => {
    expect(scriptOf('')).toBe(null)
    expect(scriptOf('<html><script src="/other.js"></script>The proxy is tired.')).toBe(null)
  })
})
