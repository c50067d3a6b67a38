import { EventEmitter } from 'node:events'
import { ManualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { type InterruptedProcess, listenForInterrupts } from './interrupts.ts'

function setup(stopsUnread?: boolean) {
  const clock = new ManualClock()
  const exits: number[] = []
  const said: string[] = []
  const stdout = new EventEmitter()
  const stderr = Object.assign(new EventEmitter(), { write: (text: string) => said.push(text) })
  const process = Object.assign(new EventEmitter(), { exit: (code: number) => exits.push(code), stdout, stderr })
  const options = {
    process: process as InterruptedProcess,
    clock,
    ...(stopsUnread === undefined ? {} : { stopsUnread }),
  }
  return { clock, exits, said, process, interrupts: listenForInterrupts(options) }
}

const failure = (code: string) => Object.assign(new Error(code), { code })

describe('listenForInterrupts', () => {
  it('[HOST12] the first Ctrl-C only asks to end, with the exit code shells know', () => {
    const { exits, process, interrupts } = setup()
    expect([interrupts.signal.aborted, interrupts.exitCode]).toEqual([false, 0])
    process.emit('SIGINT')
    expect([interrupts.signal.aborted, interrupts.cause, interrupts.exitCode]).toEqual([true, 'SIGINT', 130])
    expect(exits).toEqual([])
  })

  it('[HOST12] the same Ctrl-C passed on by npm or a launcher is not a second one', () => {
    const { clock, exits, process } = setup()
    process.emit('SIGINT')
    clock.advance(300)
    process.emit('SIGINT')
    expect(exits).toEqual([])
  })

  it('[HOST12] a second one ends the process at once', () => {
    const { clock, exits, process } = setup()
    process.emit('SIGINT')
    clock.advance(500)
    process.emit('SIGTERM')
    expect(exits).toEqual([143])
  })

  it('[HOST12] a closed pipe and a closed terminal ask to end without a word', () => {
    for (const code of ['EPIPE', 'EIO']) {
      const { exits, said, process, interrupts } = setup()
      process.stdout.emit('error', failure(code))
      expect([interrupts.signal.aborted, interrupts.cause, interrupts.exitCode]).toEqual([true, 'SIGPIPE', 141])
      expect([exits, said]).toEqual([[], []])
    }
  })

  it('[HOST12] an output that cannot be written for another reason is told, and ends with 1', () => {
    const { exits, said, process } = setup()
    process.stdout.emit('error', failure('ENOSPC'))
    expect([exits, said]).toEqual([[1], ['holdfast: the output cannot be written: ENOSPC\n']])
  })

  it('[HOST12] a server goes on when nobody reads its words any more', () => {
    const { exits, process, interrupts } = setup(false)
    process.stdout.emit('error', failure('EPIPE'))
    expect([interrupts.signal.aborted, exits]).toEqual([false, []])
  })
})
