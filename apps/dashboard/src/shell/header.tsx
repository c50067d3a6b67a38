import { classNames, KeyHint, type Page, useCurrentPage } from '@holdfast/ui'
import { Link, useRouterState } from '@tanstack/react-router'
import { ChevronLeft, Search } from 'lucide-react'
import { Fragment, useEffect, useState } from 'react'
import { ConnectionMark } from '../connection/connection-mark.tsx'
import { Logo } from './logo.tsx'
import { useCurrentPlace } from './navigation.ts'
import type { OverlayState } from './overlays.tsx'

/** Where one is, how it is connected, and the way to anywhere else. */
export function Header({ overlays }: { overlays: OverlayState }) {
  const page = useCurrentPage()
  const isHeadingSeen = useIsHeadingSeen(page)
  return (
    <header className="sticky top-0 z-20 h-bar border-b border-line bg-ground print:static print:border-0">
      <div className="mx-auto flex h-full w-full max-w-400 items-center gap-3 px-page-x">
        <Link to="/" aria-label="Holdfast" className="-mx-2 flex size-10 items-center justify-center md:hidden">
          <Logo />
        </Link>
        <Trail page={page} showsTitle={!isHeadingSeen} />
        <div className="ml-auto flex shrink-0 items-center gap-2 print:hidden">
          <ConnectionMark />
          <button
            type="button"
            onClick={overlays.openPalette}
            data-testid="open-palette"
            className="inline-flex h-8 items-center gap-2 rounded-md border border-line-strong bg-raised pr-1.5 pl-2.5 text-dense text-ink-2 hover:border-control hover:text-ink max-md:hidden pointer-coarse:h-10"
          >
            <Search size={14} aria-hidden="true" />
            <span className="max-lg:hidden">Go to or do</span>
            <span className="sr-only lg:hidden">Go to or do</span>
            <KeyHint keys="mod+k" />
          </button>
        </div>
      </div>
    </header>
  )
}

/** The pages above this one, and its own title while its heading is out of sight. */
function Trail({ page, showsTitle }: { page: Page | null; showsTitle: boolean }) {
  const place = useCurrentPlace()
  const path = useRouterState({ select: (state) => state.location.pathname })
  // A page that does not say so stands below its place.
  const above = page?.trail ?? (place && place.to !== path ? [place] : [])
  return (
    <nav aria-label="You are here" className="flex min-w-0 flex-1 items-center gap-1.5 text-dense">
      {above.map(({ label, to }, index) => (
        <Fragment key={to}>
          {index > 0 && <Slash />}
          <Link
            to={to}
            className="-ml-1 inline-flex h-8 shrink-0 items-center gap-0.5 rounded-sm px-1 text-ink-2 hover:text-ink pointer-coarse:h-10"
          >
            {index === above.length - 1 && <ChevronLeft size={15} aria-hidden="true" className="md:hidden" />}
            {label}
          </Link>
        </Fragment>
      ))}
      {page && (
        <span
          aria-hidden="true"
          className={classNames(
            'flex min-w-0 items-center gap-1.5 transition-opacity',
            showsTitle ? 'opacity-100' : 'opacity-0',
          )}
        >
          {above.length > 0 && <Slash />}
          <span className="truncate font-medium">{page.title}</span>
        </span>
      )}
    </nav>
  )
}

function Slash() {
  return (
    <span aria-hidden="true" className="text-ink-3">
      /
    </span>
  )
}

/** Whether the page's heading stands in view; a page without one has no need to be named twice. */
function useIsHeadingSeen(page: Page | null): boolean {
  const [isSeen, setSeen] = useState(true)
  const title = page?.title
  useEffect(() => {
    const heading = title === undefined ? null : document.querySelector('main h1')
    if (heading === null) return
    const observer = new IntersectionObserver(([entry]) => setSeen(entry?.isIntersecting ?? true), {
      rootMargin: '-48px 0px 0px 0px',
    })
    observer.observe(heading)
    return () => {
      observer.disconnect()
      setSeen(true)
    }
  }, [title])
  return isSeen
}
