import { Choice, usePage } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { Density } from '../appearance.ts'
import { Controls } from './controls.tsx'
import { Foundations } from './foundations.tsx'
import { Lists } from './lists.tsx'
import { DensityContext } from './specimen.tsx'
import { States } from './states.tsx'
import { Statuses } from './statuses.tsx'

const CONTENTS: [group: string, parts: [id: string, title: string][]][] = [
  [
    'Foundations',
    [
      ['colour', 'Colour'],
      ['type', 'Type'],
      ['density', 'Density'],
      ['keys', 'Keys'],
    ],
  ],
  [
    'Status',
    [
      ['status', 'Status'],
      ['progress', 'Progress'],
      ['figures', 'Figures'],
      ['connection', 'Connection'],
    ],
  ],
  [
    'Controls',
    [
      ['buttons', 'Buttons'],
      ['fields', 'Fields'],
      ['choices', 'Choices'],
      ['overlays', 'Overlays'],
      ['toasts', 'Toasts'],
    ],
  ],
  [
    'Lists',
    [
      ['table', 'Table'],
      ['filters', 'Filters'],
      ['sections', 'Sections'],
      ['split', 'List and detail'],
    ],
  ],
  [
    'States',
    [
      ['loading', 'Loading'],
      ['empty', 'Empty'],
      ['failed', 'Failed'],
      ['banners', 'Banners'],
      ['no-permission', 'No permission'],
      ['sign-in', 'Sign in'],
    ],
  ],
]

/** Every component in every state, in both themes and densities; each group has its own address. */
export default function DesignPage() {
  usePage({ title: 'Design' })
  const [density, setDensity] = useState<Density>('comfortable')
  return (
    <div className="lg:grid lg:grid-cols-[11rem_minmax(0,1fr)] lg:gap-8">
      <div className="mb-4 lg:sticky lg:top-[calc(var(--bar)+1rem)] lg:self-start">
        <h1 className="mb-3 text-title font-bold">Design</h1>
        <Choice<Density>
          label="Density of what is shown"
          value={density}
          onChange={setDensity}
          options={[
            { name: 'comfortable', title: 'Comfortable' },
            { name: 'compact', title: 'Compact' },
          ]}
        />
        <Contents />
      </div>
      <DensityContext value={density}>
        <div className="flex min-w-0 flex-col gap-8">
          <Foundations />
          <Statuses />
          <Controls />
          <Lists />
          <States />
        </div>
      </DensityContext>
    </div>
  )
}

function Contents() {
  return (
    <nav aria-label="Components" className="mt-4 max-lg:hidden">
      {CONTENTS.map(([group, parts]) => (
        <div key={group} className="mb-3">
          <p className="mb-0.5 text-small font-medium text-ink-3">{group}</p>
          {parts.map(([id, title]) => (
            <Link key={id} to="." hash={id} className="block py-0.5 text-dense text-ink-2 hover:text-ink">
              {title}
            </Link>
          ))}
        </div>
      ))}
    </nav>
  )
}
