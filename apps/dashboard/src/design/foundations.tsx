import { Key, KeyHint } from '@holdfast/ui'
import { Line, Specimen } from './specimen.tsx'

const COLOURS = [
  ['Ground', 'ground raised sunken line line-strong control'],
  ['Text', 'ink ink-2 ink-3'],
  ['Accent', 'accent accent-hover accent-soft on-accent'],
  ['Status', 'done done-soft wait wait-soft fail fail-soft fail-hover quiet quiet-soft mark'],
] as const

export function Foundations() {
  return (
    <>
      <Specimen
        id="colour"
        title="Colour"
        note="Neutral greys with a trace of sea, one accent; status colours only for status."
      >
        {COLOURS.map(([name, tokens]) => (
          <div key={name}>
            <p className="mb-1 text-small text-ink-3">{name}</p>
            <div className="grid grid-cols-[repeat(auto-fill,minmax(7.5rem,1fr))] gap-2">
              {tokens.split(' ').map((token) => (
                <span key={token} className="flex items-center gap-2 text-small text-ink-2">
                  <span className="size-6 rounded-sm border border-line" style={{ background: `var(--${token})` }} />
                  {token}
                </span>
              ))}
            </div>
          </div>
        ))}
      </Specimen>
      <Specimen id="type" title="Type" note="Inter, and JetBrains Mono for ids, offsets, code and numbers that move.">
        <div>
          <p className="text-title font-bold">Title, 20 on 28, bold</p>
          <p>Body, 14 on 20. What people read.</p>
          <p className="font-medium">Medium, for names and what matters now.</p>
          <p className="text-dense text-ink-2">Dense, 13 on 18. Tables and notes.</p>
          <p className="text-small text-ink-3">Small, 12 on 16. Chips and ids.</p>
          <p className="numbers font-mono">0000000000000001_0000000000000042 · 1 m 04 s · 12.4 MB</p>
          <p>
            Found: <mark>what was searched for</mark>
          </p>
        </div>
      </Specimen>
      <Specimen
        id="density"
        title="Space and density"
        note="A 4-px grid. Rows and paddings follow the density; the switch above changes these."
      >
        <div className="overflow-clip rounded-md border border-line bg-raised">
          {['--row', '--cell-y', '--block'].map((token) => (
            <div
              key={token}
              className="flex min-h-row items-center border-b border-line px-cell-x py-cell text-dense last:border-b-0"
            >
              A row, padded and as high as the density has it
              <span className="ml-auto font-mono text-small text-ink-3">{token}</span>
            </div>
          ))}
        </div>
      </Specimen>
      <Specimen id="keys" title="Keys" note="Written as they stand on the keyboard in front of a person.">
        <Line>
          <Key>J</Key>
          <KeyHint keys="g p" />
          <KeyHint keys="mod+k" />
          <KeyHint keys="Escape" />
        </Line>
      </Specimen>
    </>
  )
}
