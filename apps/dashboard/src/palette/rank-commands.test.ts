import type { Command } from '@holdfast/ui'
import { describe, expect, it } from 'vitest'
import { rankCommands } from './rank-commands.ts'

const command = (label: string, group: string, words?: string): Command => ({
  id: label.toLowerCase().replaceAll(' ', '-'),
  label,
  group,
  ...(words && { words }),
  run: () => {},
})

const COMMANDS = [
  command('Projects', 'Places'),
  command('Settings', 'Places'),
  command('Keeping bees', 'Project'),
  command('apollo-docs', 'Project'),
  command('The archive of the harbour office', 'Project'),
  command('Copy the link to this page', 'Actions', 'url'),
  command('Dark theme', 'Appearance', 'mode'),
]

const found = (text: string, recent: string[] = []) =>
  rankCommands(COMMANDS, text, recent).flatMap((group) => group.found.map((one) => one.command.label))

const marksOf = (text: string) => {
  const first = rankCommands(COMMANDS, text, [])[0]?.found[0]
  return first?.marks.map(([from, to]) => first.command.label.slice(from, to))
}

describe('the palette', () => {
  it('[PG13] finds a beginning, a word, initials, a part and letters in order', () => {
    expect(found('proj')[0]).toBe('Projects')
    expect(found('bees')).toEqual(['Keeping bees'])
    expect(found('kb')).toEqual(['Keeping bees'])
    expect(found('pollo')).toEqual(['apollo-docs'])
    expect(found('stgs')).toEqual(['Settings'])
  })

  it('[PG13] puts the better fit first, and of two alike the one used last', () => {
    // A word that begins so before one that has it in its middle.
    expect(found('the')).toEqual(['The archive of the harbour office', 'Copy the link to this page', 'Dark theme'])
    expect(found('project').at(0)).toBe('Projects')
    const alike = [command('Plan a', 'Project'), command('Plan b', 'Project')]
    expect(rankCommands(alike, 'plan', ['plan-b'])[0]?.found[0]?.command.label).toBe('Plan b')
  })

  it('[PG13] wants every word, and knows groups and other words for a thing', () => {
    expect(found('harbour archive')).toEqual(['The archive of the harbour office'])
    expect(found('harbour bees')).toEqual([])
    expect(found('url')).toEqual(['Copy the link to this page'])
    expect(found('appearance dark')).toEqual(['Dark theme'])
  })

  it('[PG13] marks the letters that were meant', () => {
    expect(marksOf('kb')).toEqual(['K', 'b'])
    expect(marksOf('bee keep')).toEqual(['Keep', 'bee'])
    expect(marksOf('url')).toEqual([])
  })

  it('[PG13] begins with what was used last, each of it once, and forgets what is gone', () => {
    const groups = rankCommands(COMMANDS, ' ', ['dark-theme', 'a-project-that-is-gone', 'projects'])
    expect(groups.map(({ title }) => title)).toEqual(['Recent', 'Places', 'Project', 'Actions'])
    expect(groups[0]?.found.map((one) => one.command.label)).toEqual(['Dark theme', 'Projects'])
    expect(groups[1]?.found.map((one) => one.command.label)).toEqual(['Settings'])
  })

  it('[PG13] shows no more than can be looked over', () => {
    const many = Array.from({ length: 500 }, (_, index) => command(`Plan ${index}`, 'Project'))
    expect(rankCommands(many, '', [])[0]?.found.length).toBe(5)
    expect(rankCommands(many, 'plan', []).flatMap((group) => group.found).length).toBe(24)
  })

  it('[PG13] takes letters far apart for no find', () => {
    expect(found('toc')).not.toContain('The archive of the harbour office')
    expect(found('xyz')).toEqual([])
  })
})
