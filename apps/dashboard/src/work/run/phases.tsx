import type { RunDetails } from '@holdfast/protocol/runs'
import { classNames, TONE_TEXT } from '@holdfast/ui'
import { Check, ChevronRight, CircleDashed, CircleSlash, LoaderCircle, Pause } from 'lucide-react'
import { useKinds } from '../queries.ts'

type PhaseLook = 'done' | 'now' | 'stopped' | 'failed' | 'waits'

const LOOKS = {
  done: { icon: Check, tone: TONE_TEXT.done, word: 'done' },
  now: { icon: LoaderCircle, tone: TONE_TEXT.working, word: 'now' },
  stopped: { icon: Pause, tone: TONE_TEXT.quiet, word: 'stopped here' },
  failed: { icon: CircleSlash, tone: TONE_TEXT.failed, word: 'failed here' },
  waits: { icon: CircleDashed, tone: TONE_TEXT.quiet, word: 'not begun' },
} as const

/** The phases of its kind in their order, and which it is in. Nothing for a kind without phases. */
export function Phases({ run }: { run: RunDetails }) {
  const { data } = useKinds()
  const kind = data?.items.find(({ name, version }) => name === run.name && version === run.version)
  const phases = kind?.phases ?? []
  if (phases.length === 0) return null
  const current = phases.indexOf(run.progress?.phase ?? '')
  return (
    <ol className="flex flex-wrap items-center gap-x-1 gap-y-1 px-cell-x pt-2.5 text-dense" data-testid="phases">
      {phases.map((phase, index) => {
        const look = lookOf(run, index, current)
        const { icon: Icon, tone, word } = LOOKS[look]
        return (
          <li key={phase} className="inline-flex items-center gap-1" data-state={look} title={word}>
            {index > 0 && <ChevronRight size={13} aria-hidden="true" className="text-ink-3" />}
            <Icon size={14} aria-hidden="true" className={tone} />
            <span className={classNames(look === 'now' && 'font-medium', look === 'waits' && 'text-ink-3')}>
              {phase}
            </span>
            <span className="sr-only">{word}</span>
          </li>
        )
      })}
    </ol>
  )
}

function lookOf({ status }: RunDetails, index: number, current: number): PhaseLook {
  if (status === 'done' || index < current) return 'done'
  if (index > current) return 'waits'
  if (status === 'failed') return 'failed'
  return status === 'working' || status === 'quiet' ? 'now' : 'stopped'
}
