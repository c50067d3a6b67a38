import type { ReactNode } from 'react'

/** A short list with its heading. */
export function Part({ title, testId, children }: { title: ReactNode; testId: string; children: ReactNode }) {
  return (
    <section data-testid={testId} className="px-cell-x py-2.5">
      <h2 className="text-dense font-medium">{title}</h2>
      <ol className="mt-1 flex flex-col gap-1 text-dense text-ink-2">{children}</ol>
    </section>
  )
}
