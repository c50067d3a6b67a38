import { classNames } from './class-names.ts'

/** The place of something that is being read. Sized by `className`. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden="true" className={classNames('skeleton h-4', className)} />
}

/** Rows of a list that is being read. */
export function SkeletonRows({ rows = 5, label }: { rows?: number; label: string }) {
  return (
    <div role="status" aria-label={label} className="flex flex-col">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are alike and never move
        <div key={row} className="flex h-11 items-center gap-4 border-b border-line px-3">
          <Skeleton className="w-2/5" />
          <Skeleton className="w-16" />
          <Skeleton className="ml-auto w-24" />
        </div>
      ))}
    </div>
  )
}
