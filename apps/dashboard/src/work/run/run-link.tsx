import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

/** Leads to another run's page. Default words: the end of its id, which tells runs apart. */
export function RunLink({ id, children }: { id: string; children?: ReactNode }) {
  return (
    <Link
      to="/work/$runId"
      params={{ runId: id }}
      title={id}
      className="underline decoration-line-strong underline-offset-2 hover:text-ink"
    >
      {children ?? <span className="font-mono text-small">{shortId(id)}</span>}
    </Link>
  )
}

/** Made ids begin with their time: what tells two of them apart stands at the end. Names people gave stay whole. */
export function shortId(id: string): string {
  return id.length > 24 ? `…${id.slice(-8)}` : id
}
