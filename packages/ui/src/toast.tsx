import { Check, CircleAlert, Info, RotateCw, TriangleAlert, Undo2, X } from 'lucide-react'
import {
  createContext,
  type FocusEvent,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useEffectEvent,
  useMemo,
  useRef,
  useState,
} from 'react'
import { Button } from './button.tsx'
import { CopyButton } from './copy-button.tsx'
import { useHotkeys } from './hotkeys.ts'

export type ToastTone = 'quiet' | 'done' | 'waiting' | 'failed'

export interface Toast {
  /** What has happened: `3 files will be tried again`. */
  title: string
  detail?: string
  /** Default `done`. `failed` interrupts a screen reader and stays until it is closed. */
  tone?: ToastTone
  /** Takes it back. Offered for as long as the toast stands, also by the key `z`. */
  undo?: { label?: string; run(): void }
  /** How long it stands while nobody points at it, ms. Default 5,000, with an undo 10,000. */
  durationMs?: number
}

export interface ReportOptions {
  /** Does it again; the notice goes. */
  onRetry?: () => void
}

interface Notice extends Toast {
  id: number
  code?: string | undefined
  requestId?: string | undefined
  onRetry?: (() => void) | undefined
}

type Show = (toast: Toast) => void
type Report = (title: string, error: unknown, options?: ReportOptions) => void

/** More than these would cover the page: the oldest that is no error goes first. */
const MOST = 4
const DURATION_MS = 5_000
const UNDO_MS = 10_000

const ToastContext = createContext<Show>(() => {})
const ReportContext = createContext<Report>(() => {})

/**
 * Says in passing what was done, and offers to take it back.
 *
 * ```ts
 * toast({ title: 'Project removed', undo: { run: restore } })
 * ```
 */
export function useToast(): Show {
  return useContext(ToastContext)
}

/** Tells a person that what they asked for did not happen, with the cause, its code and the request's id; it stays until it is closed. */
export function useReport(): Report {
  return useContext(ReportContext)
}

/** Holds the notices of the page, at its foot. */
export function Notices({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<Notice[]>([])
  const lastId = useRef(0)
  const add = useCallback((notice: Omit<Notice, 'id'>) => {
    lastId.current += 1
    const added = { ...notice, id: lastId.current }
    setNotices((known) => bounded([...known, added]))
  }, [])
  const report = useCallback<Report>(
    (title, error, options) => {
      const { message, code, requestId } = error as { message?: string; code?: string; requestId?: string }
      add({ title, detail: message ?? String(error), tone: 'failed', code, requestId, onRetry: options?.onRetry })
    },
    [add],
  )
  const close = useCallback((id: number) => setNotices((known) => known.filter((notice) => notice.id !== id)), [])
  const undoable = notices.findLast(({ undo }) => undo !== undefined)
  const undo = () => {
    if (!undoable) return
    close(undoable.id)
    undoable.undo?.run()
  }
  useHotkeys({
    z: { what: 'Undo what was just done', group: 'Everywhere', isActive: () => undoable !== undefined, run: undo },
  })
  const cards = useMemo(
    () => notices.map((notice) => <NoticeCard key={notice.id} notice={notice} onClose={close} />),
    [notices, close],
  )
  return (
    <ToastContext value={add}>
      <ReportContext value={report}>
        {children}
        <Spoken notices={notices} />
        <section
          aria-label="Notices"
          className="pointer-events-none fixed right-4 bottom-[calc(var(--over)+1rem)] left-4 z-60 flex flex-col gap-2 print:hidden sm:left-auto sm:w-96"
        >
          {cards}
        </section>
      </ReportContext>
    </ToastContext>
  )
}

function bounded(notices: Notice[]): Notice[] {
  if (notices.length <= MOST) return notices
  const oldest = notices.find(({ tone }) => tone !== 'failed') ?? notices[0]
  return notices.filter((notice) => notice !== oldest)
}

/** What a screen reader is told: each notice once, when it comes. */
function Spoken({ notices }: { notices: Notice[] }) {
  const words = (isFailure: boolean) => {
    const last = notices.findLast(({ tone }) => (tone === 'failed') === isFailure)
    return last ? `${last.title}. ${last.detail ?? ''}` : ''
  }
  return (
    <>
      <p role="status" className="sr-only">
        {words(false)}
      </p>
      <p role="alert" className="sr-only">
        {words(true)}
      </p>
    </>
  )
}

const ICONS = { quiet: Info, done: Check, waiting: TriangleAlert, failed: CircleAlert } as const
const COLOURS = { quiet: 'text-ink-3', done: 'text-done', waiting: 'text-wait', failed: 'text-fail' } as const

function NoticeCard({ notice, onClose }: { notice: Notice; onClose(id: number): void }) {
  const { tone = 'done', undo, onRetry } = notice
  const close = () => onClose(notice.id)
  const hold = useTimeout(durationOf(notice), close)
  const Icon = ICONS[tone]
  const closeAnd = (run: () => void) => () => {
    close()
    run()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: nothing is done by these, they only hold the clock
    <div
      data-testid="notice"
      onPointerEnter={hold.pause}
      onPointerLeave={hold.resume}
      onFocus={hold.pause}
      onBlur={(event: FocusEvent) => !event.currentTarget.contains(event.relatedTarget) && hold.resume()}
      className="appear pointer-events-auto flex items-start gap-2 rounded-md border border-line-strong bg-raised p-3 shadow-float"
    >
      <Icon size={18} className={`mt-px shrink-0 ${COLOURS[tone]}`} aria-hidden="true" />
      <div className="min-w-0 flex-1">
        <p className="font-medium break-words">{notice.title}</p>
        {notice.detail && <p className="break-words text-ink-2">{notice.detail}</p>}
        <Origin code={notice.code} requestId={notice.requestId} />
      </div>
      {undo && (
        <Button small icon={Undo2} onClick={closeAnd(undo.run)}>
          {undo.label ?? 'Undo'}
        </Button>
      )}
      {onRetry && (
        <Button small icon={RotateCw} onClick={closeAnd(onRetry)}>
          Try again
        </Button>
      )}
      <Button look="quiet" small icon={X} aria-label="Close" onClick={close} />
    </div>
  )
}

function Origin({ code, requestId }: { code?: string | undefined; requestId?: string | undefined }) {
  if (!code && !requestId) return null
  return (
    <p className="mt-1 flex flex-wrap items-center gap-x-3 font-mono text-small text-ink-3">
      {code && <span>{code}</span>}
      {requestId && (
        <span className="inline-flex items-center gap-1 break-all">
          {requestId}
          <CopyButton text={requestId} label="Copy the request id" />
        </span>
      )}
    </p>
  )
}

function durationOf({ tone, undo, durationMs }: Notice): number | null {
  return durationMs ?? (tone === 'failed' ? null : undo ? UNDO_MS : DURATION_MS)
}

/** Calls once after `ms` in which nothing held it; `null` never. */
function useTimeout(ms: number | null, onDue: () => void): { pause(): void; resume(): void } {
  const due = useEffectEvent(onDue)
  const [isHeld, setHeld] = useState(false)
  const left = useRef(ms ?? 0)
  useEffect(() => {
    if (ms === null || isHeld) return
    const from = Date.now()
    const timer = setTimeout(due, left.current)
    return () => {
      clearTimeout(timer)
      left.current = Math.max(1000, left.current - (Date.now() - from))
    }
  }, [ms, isHeld])
  return { pause: () => setHeld(true), resume: () => setHeld(false) }
}
