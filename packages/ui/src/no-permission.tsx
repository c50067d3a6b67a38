import { Lock } from 'lucide-react'
import type { ReactNode } from 'react'
import { Empty } from './empty.tsx'

interface NoPermissionProps {
  /** What may not be done or seen: `this project`. */
  what: string
  /** The scope that would allow it: `read:projects/p1`. */
  scope?: string
  /** A way on. */
  action?: ReactNode
}

/** What is there but not for this person: what it is, what would allow it, and a way on. */
export function NoPermission({ what, scope, action }: NoPermissionProps) {
  return (
    <div data-testid="no-permission">
      <Empty icon={Lock} title={`You may not see ${what}`} action={action}>
        Whoever runs this server can allow it.
        {scope && (
          <>
            {' '}
            It takes the scope <code className="font-mono text-small break-all">{scope}</code>.
          </>
        )}
      </Empty>
    </div>
  )
}
