import type { RunWait } from '@holdfast/protocol/runs'
import { Moment } from '@holdfast/ui'
import { MessageCircleQuestion } from 'lucide-react'
import type { ReactNode } from 'react'
import { exactTime } from '../words.ts'

export type EventWait = Extract<RunWait, { kind: 'event' }>

interface QuestionProps {
  testId: string
  title: ReactNode
  note?: ReactNode
  /** Until when it waits. */
  until?: string | undefined
  /** The ways to answer. */
  children?: ReactNode
}

/** Something a person is asked, and what to answer with. */
export function Question({ testId, title, note, until, children }: QuestionProps) {
  return (
    <div data-testid={testId} className="flex items-start gap-2 bg-wait-soft px-cell-x py-2.5">
      <MessageCircleQuestion size={16} aria-hidden="true" className="mt-0.5 shrink-0 text-wait" />
      <div className="min-w-0 flex-1">
        <p className="font-medium break-words">{title}</p>
        {note && <p className="break-words text-ink-2">{note}</p>}
        {until && <Until at={until} />}
        {children && <div className="mt-2 flex flex-wrap items-end gap-2">{children}</div>}
      </div>
    </div>
  )
}

function Until({ at }: { at: string }) {
  const isOver = Date.parse(at) <= Date.now()
  return (
    <p className="text-dense text-ink-2">
      {isOver ? (
        <>
          It waited until <Moment at={at} />.
        </>
      ) : (
        <>It waits until {exactTime(at).slice(0, -4)}, then it goes on without an answer.</>
      )}
    </p>
  )
}
