import { expect, it } from 'vitest'
import { mayManage, mayRead } from './rights.ts'

it('[ING35] what a scope allows to manage is offered, nothing else', () => {
  for (const scope of ['manage:*', 'manage:projects/*', 'manage:projects/p1', 'manage:projects/p1/*']) {
    expect(mayManage([scope], 'projects/p1'), scope).toBe(true)
  }
  for (const scope of ['read:*', 'append:*', 'manage:projects/p10/*', 'manage:projects/p', 'manage:', 'manage', '*']) {
    expect(mayManage([scope], 'projects/p1'), scope).toBe(false)
  }
  expect(mayManage([], 'projects/p1')).toBe(false)
  expect(mayManage(['read:*', 'manage:projects/p1'], 'operators/projects')).toBe(false)
})

it('[ING35] to manage is to read, to append is not', () => {
  expect([mayRead(['read:runs'], 'runs'), mayRead(['manage:*'], 'runs'), mayRead(['append:*'], 'runs')]).toEqual([
    true,
    true,
    false,
  ])
})
