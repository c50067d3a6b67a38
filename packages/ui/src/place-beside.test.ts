import { describe, expect, it } from 'vitest'
import { placeBeside } from './place-beside.ts'

const WINDOW = { width: 1000, height: 800 }
const SIZE = { width: 320, height: 200 }
const at = (left: number, top: number) => ({ left, top, width: 100, height: 30 })

describe('what floats beside a button', () => {
  it('[PG7] keeps to the edge of the button that it is told to', () => {
    expect(placeBeside(at(500, 100), SIZE, WINDOW, 'bottom', 'end')).toEqual({ top: 136, left: 280 })
    expect(placeBeside(at(500, 100), SIZE, WINDOW, 'bottom', 'start')).toEqual({ top: 136, left: 500 })
  })

  it('[PG7] takes the other side where there is no room', () => {
    expect(placeBeside(at(500, 760), SIZE, WINDOW, 'bottom', 'end').top).toBe(554)
    expect(placeBeside(at(500, 10), SIZE, WINDOW, 'top', 'end').top).toBe(46)
    expect(placeBeside(at(860, 400), SIZE, WINDOW, 'right', 'center').left).toBe(534)
  })

  it('[PG7] never leaves the window', () => {
    const phone = { width: 380, height: 760 }
    expect(placeBeside(at(0, 10), SIZE, phone, 'bottom', 'end').left).toBe(8)
    expect(placeBeside(at(350, 10), SIZE, phone, 'bottom', 'start').left).toBe(52)
    expect(placeBeside(at(0, 700), { width: 320, height: 900 }, phone, 'bottom', 'end').top).toBe(8)
  })
})
