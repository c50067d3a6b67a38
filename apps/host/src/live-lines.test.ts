import { describe, expect, it } from 'vitest'
import { LiveLines } from './live-lines.ts'

function terminal(columns = 40) {
  const writes: string[] = []
  const size = { columns }
  const lines = new LiveLines({ write: (text) => writes.push(text) }, () => size.columns)
  return { writes, size, lines }
}

describe('LiveLines', () => {
  it('[HOST8] draws again over what it drew, in one write', () => {
    const { writes, lines } = terminal()
    lines.draw(['one', 'two'])
    lines.draw(['one', 'TWO'])
    expect(writes).toHaveLength(2)
    expect(writes[1]).toContain('\x1b[2A\r')
    expect(writes[1]).toContain('one\x1b[K\nTWO\x1b[K\n')
  })

  it('[HOST8] writes nothing when nothing changed', () => {
    const { writes, lines } = terminal()
    lines.draw(['one', 'two'])
    lines.draw(['one', 'two'])
    expect(writes).toHaveLength(1)
  })

  it('[HOST8] goes up over the rows that a narrower terminal made of its lines', () => {
    const { writes, size, lines } = terminal(40)
    lines.draw(['x'.repeat(30), '\x1b[36mshort\x1b[39m'])
    size.columns = 12
    lines.draw(['new', 'lines'])
    expect(writes[1]).toContain('\x1b[4A\r')
  })

  it('[HOST8] erases what is left below when there are fewer lines', () => {
    const { writes, lines } = terminal()
    lines.draw(['one', 'two', 'three'])
    lines.draw(['one'])
    expect(writes[1]).toContain('\x1b[3A\rone\x1b[K\n\x1b[J')
  })

  it('[HOST8] prints lines that stay above what it redraws, in one write', () => {
    const { writes, lines } = terminal()
    lines.draw(['one', 'two'])
    lines.print(['said'])
    expect(writes).toHaveLength(2)
    expect(writes[1]).toContain('\x1b[2A\rsaid\x1b[K\none\x1b[K\ntwo\x1b[K\n')
    lines.draw(['one', 'TWO'])
    expect(writes[2]).toContain('\x1b[2A\r')
  })

  it('[HOST8] hides the cursor while it draws and gives it back once', () => {
    const { writes, lines } = terminal()
    lines.draw(['one'])
    lines.draw(['two'])
    lines.finish()
    lines.finish()
    const all = writes.join('')
    expect(all.split('\x1b[?25l')).toHaveLength(2)
    expect(all.split('\x1b[?25h')).toHaveLength(2)
    expect(all.endsWith('\x1b[?25h')).toBe(true)
  })
})
