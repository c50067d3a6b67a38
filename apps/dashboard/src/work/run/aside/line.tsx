import type { RunDetails } from '@holdfast/protocol/runs'
import { classNames, Moment, TONE_TEXT } from '@holdfast/ui'
import { STATUS_LOOKS } from '../../status.tsx'
import { RunLink } from '../run-link.tsx'
import { Part } from './part.tsx'

/** The runs that tried the same, oldest first; nothing where it is the only one. */
export function Line({ run }: { run: RunDetails }) {
  if (run.line.length < 2) return null
  return (
    <Part title="Line of retries" testId="line">
      {run.line.map(({ id, status, createdAt }, index) => {
        const isThis = id === run.id
        const { icon: Icon, tone, word } = STATUS_LOOKS[isThis ? run.status : status]
        return (
          <li key={id} className="flex items-center gap-1.5" aria-current={isThis ? 'true' : undefined}>
            <Icon size={14} aria-hidden="true" className={classNames('shrink-0', TONE_TEXT[tone])} />
            <span className={classNames('numbers min-w-0 flex-1 truncate', isThis && 'font-medium text-ink')}>
              {index + 1}. {isThis ? `${word}, this run` : <RunLink id={id}>{word}</RunLink>}
            </span>
            <span className="text-ink-3">
              <Moment at={createdAt} />
            </span>
          </li>
        )
      })}
    </Part>
  )
}
