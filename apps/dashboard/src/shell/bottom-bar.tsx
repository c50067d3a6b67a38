import { classNames } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import { Suspense } from 'react'
import { PLACES, SETTINGS, useCurrentPlace } from './navigation.ts'
import type { OverlayState } from './overlays.tsx'

const ITEM = 'flex h-14 min-w-0 flex-1 flex-col items-center justify-center gap-0.5 text-small -outline-offset-4'

/** The places within reach of a thumb. */
export function BottomBar({ overlays }: { overlays: OverlayState }) {
  const current = useCurrentPlace()
  const place = ({ to, label, icon: Icon, Badge }: typeof SETTINGS) => {
    const isCurrent = current?.to === to
    return (
      <Link
        key={to}
        to={to}
        aria-current={isCurrent ? 'page' : undefined}
        className={classNames(ITEM, 'relative', isCurrent ? 'font-medium text-accent' : 'text-ink-2')}
      >
        <Icon size={20} aria-hidden="true" />
        <span className="max-w-full truncate px-1">{label}</span>
        {Badge && (
          <span className="absolute top-1 left-1/2 flex translate-x-2">
            <Suspense>
              <Badge />
            </Suspense>
          </span>
        )}
      </Link>
    )
  }
  return (
    <nav
      aria-label="Main"
      className="fixed inset-x-0 bottom-0 z-30 flex border-t border-line bg-ground pb-[env(safe-area-inset-bottom)] md:hidden print:hidden"
    >
      {PLACES.map(place)}
      <button type="button" onClick={overlays.openPalette} className={classNames(ITEM, 'text-ink-2')}>
        <Search size={20} aria-hidden="true" />
        Go to
      </button>
      {place(SETTINGS)}
    </nav>
  )
}
