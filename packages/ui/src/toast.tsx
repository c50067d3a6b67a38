import { CircleAlert, X } from 'lucide-react'
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react'
import { Button } from './button.tsx'

interface Notice {
  id: number
  title: string
  detail: string
  code?: string | undefined
}

type Report = (title: string, error: unknown) => void

const ReportContext = createContext<Report>(() => {})

/** Tells a person that what they asked for did not happen; it stays until it is closed. */
export function useReport(): Report {
  return useContext(ReportContext)
}

/** Holds the notices of the page, at its foot. */
export function Notices({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<Notice[]>([])
  const report = useCallback<Report>((title, error) => {
    const { message, code } = error as { message?: string; code?: string }
    setNotices((known) => [
      ...known.slice(-2),
      { id: performance.now(), title, detail: message ?? String(error), code },
    ])
  }, [])
  const close = useCallback((id: number) => setNotices((known) => known.filter((notice) => notice.id !== id)), [])
  const list = useMemo(
    () => notices.map((notice) => <NoticeCard key={notice.id} notice={notice} onClose={() => close(notice.id)} />),
    [notices, close],
  )
  return (
    <ReportContext value={report}>
      {children}
      <div
        aria-live="assertive"
        className="fixed right-4 bottom-4 left-4 z-60 flex flex-col gap-2 sm:left-auto sm:w-96"
      >
        {list}
      </div>
    </ReportContext>
  )
}

function NoticeCard({ notice, onClose }: { notice: Notice; onClose(): void }) {
  return (
    <div className="appear flex items-start gap-2 rounded-md border border-line-strong bg-raised p-3 shadow-float">
      <CircleAlert size={18} className="mt-px shrink-0 text-fail" aria-hidden="true" />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{notice.title}</p>
        <p className="break-words text-ink-2">{notice.detail}</p>
        {notice.code && <p className="font-mono text-small text-ink-3">{notice.code}</p>}
      </div>
      <Button look="quiet" small icon={X} aria-label="Close" onClick={onClose} />
    </div>
  )
}
