import { describe, expect, it } from 'vitest'
import { keepEnd, printable, textWidth } from './text-width.ts'

describe('text on a terminal', () => {
  it('[HOST14] keeps what a terminal would act on from it', () => {
    const hostile = 'a\x1b[2Jb\rc\nd\u202ee\u0007f\u009b31mg'
    expect(printable(hostile)).toBe('a�[2Jb�c�d�e�f�31mg')
  })

  it('[HOST14] leaves letters of every script as they are', () => {
    expect(printable('résumé 報告 отчёт नमस्ते 📄')).toBe('résumé 報告 отчёт नमस्ते 📄')
  })

  it('[HOST8] counts columns: wide characters are two, marks none', () => {
    expect(textWidth('abc')).toBe(3)
    expect(textWidth('報告.md')).toBe(7)
    expect(textWidth('e\u0301')).toBe(1)
    expect(textWidth('📄')).toBe(2)
  })

  it('[HOST8] keeps the end of a path, never wider than asked', () => {
    expect(keepEnd('docs/guide/start.md', 12)).toBe('…de/start.md')
    expect(keepEnd('short.md', 12)).toBe('short.md')
    for (let columns = 1; columns < 20; columns += 1) {
      expect(textWidth(keepEnd('文書/報告書/二〇二六年.md', columns))).toBeLessThanOrEqual(columns)
    }
  })
})
