import { hasEnded, type RunDetails } from '@holdfast/protocol/runs'
import { classNames, ProgressBar, TONE_TEXT } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { STATUS_LOOKS } from '../../status.tsx'
import { RunLink } from '../run-link.tsx'
import { Part } from './part.tsx'

/** So many are shown; the rest stands in the list of runs. */
const SHOWN = 12

/** The runs it started, with how far they are. */
export function Children({ run }: { run: RunDetails }) {
  if (run.children.length === 0) return null
  // What works or went wrong first: that is what one comes for.
  const order = [...run.children].sort((a, b) => rankOf(a.status) - rankOf(b.status))
  return (
    <Part title={`Runs it started (${run.children.length.toLocaleString('en')})`} testId="children">
      {order.slice(0, SHOWN).map(({ id, name, status, progress }) => {
        const { icon: Icon, tone, word } = STATUS_LOOKS[status]
        return (
          <li key={id} className="flex items-center gap-1.5">
            <Icon size={14} aria-hidden="true" className={classNames('shrink-0', TONE_TEXT[tone])} />
            <span className="min-w-0 flex-1 truncate">
              <RunLink id={id}>{name}</RunLink>
              <span className="sr-only">, {word}</span>
            </span>
            {progress && !hasEnded(status) && (
              <span className="numbers flex w-20 shrink-0 items-center gap-1.5 text-ink-3">
                <ProgressBar label={`${name} ${id}`} percent={progress.percent} />
                {Math.floor(progress.percent)}%
              </span>
            )}
          </li>
        )
      })}
      {order.length > SHOWN && (
        <li>
          <Link to="/work" search={{ parent: run.id }} className="underline decoration-line-strong underline-offset-2">
            All {order.length.toLocaleString('en')} in the list
          </Link>
        </li>
      )}
    </Part>
  )
}

function rankOf(status: RunDetails['status']): number {
  if (status === 'failed') return 0
  return hasEnded(status) ? 2 : 1
}
