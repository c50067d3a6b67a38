import { CircleAlert, Lock, RotateCw } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { CopyButton } from './copy-button.tsx'

interface FailureProps {
  /** What could not be done, in plain words. */
  title: string
  /** The cause: a RequestError, or anything thrown. */
  error: unknown
  onRetry?: () => void
  children?: ReactNode
}

interface Known {
  message: string
  code?: string
  requestId?: string
  status?: number
}

/** Something failed: the cause in plain words, its code, the request's id to copy, and a retry. */
export function Failure({ title, error, onRetry, children }: FailureProps) {
  const known: Known = error instanceof Error ? error : { message: String(error) }
  const { message, code, requestId } = known
  // What may not be done is nobody's failure, and trying again would not change it.
  const isForbidden = known.status === 403
  const Icon = isForbidden ? Lock : CircleAlert
  return (
    <div
      role="alert"
      data-testid="failure"
      className="flex flex-wrap items-start gap-3 rounded-md border border-line bg-raised p-3"
    >
      <Icon size={18} className={`mt-px shrink-0 ${isForbidden ? 'text-wait' : 'text-fail'}`} aria-hidden="true" />
      <div className="min-w-[60%] flex-1">
        <p className="font-medium">{title}</p>
        <p className="break-words text-ink-2">{message}</p>
        {(code || requestId) && (
          <p className="mt-1 flex flex-wrap items-center gap-x-3 font-mono text-small text-ink-3">
            {code && <span>{code}</span>}
            {requestId && (
              <span className="inline-flex items-center gap-1">
                {requestId}
                <CopyButton text={requestId} label="Copy the request id" />
              </span>
            )}
          </p>
        )}
        {children}
      </div>
      {onRetry && !isForbidden && (
        <Button small icon={RotateCw} onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  )
}
