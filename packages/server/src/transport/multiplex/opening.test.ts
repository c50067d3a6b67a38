import { describe, expect, it } from 'vitest'
import { Opening } from './opening.ts'

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('Opening', () => {
  it('[READ10] asks for a few at a time, and for none while there is no room', async () => {
    const answers: (() => void)[] = []
    let hasRoom = true
    let answered = 0
    const opening = new Opening({
      wanted: Array.from({ length: 40 }, (_, index) => ({ stream: `s${index}`, from: 'state' })),
      subscribe: () => new Promise((resolve) => answers.push(resolve)),
      hasRoom: () => hasRoom,
      onAnswered: () => {
        answered += 1
      },
    })
    opening.go()
    expect(answers.length).toBe(16)
    answers[0]?.()
    await settled()
    expect(answers.length).toBe(17)
    hasRoom = false
    for (const answer of answers) answer()
    await settled()
    expect([answers.length, answered, opening.isDone]).toEqual([17, 17, false])
    hasRoom = true
    opening.go()
    expect(answers.length).toBe(33)
    while (!opening.isDone) {
      for (const answer of answers) answer()
      await settled()
    }
    expect([answers.length, answered]).toEqual([40, 40])
  })
})
