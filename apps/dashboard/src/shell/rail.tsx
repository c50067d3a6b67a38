import { classNames, KeyHint, type NavigationEntry, Tooltip } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { Keyboard } from 'lucide-react'
import { Suspense } from 'react'
import { Logo } from './logo.tsx'
import { PLACES, SETTINGS, useCurrentPlace } from './navigation.ts'
import type { OverlayState } from './overlays.tsx'
import { RAIL_ITEM, RAIL_NAME, RailButton } from './rail-button.tsx'
import { ThemeSwitch } from './theme-switch.tsx'

/** The places at the left edge: icons, and their names where there is room to spare. Not on a phone. */
export function Rail({ overlays }: { overlays: OverlayState }) {
  const current = useCurrentPlace()
  return (
    <div className="fixed inset-y-0 left-0 z-30 flex w-13 flex-col gap-1 border-r border-line bg-ground p-2 max-md:hidden min-[1440px]:w-46 print:hidden">
      <Link to="/" aria-label="Holdfast" className="mb-2 flex h-8 items-center gap-2 rounded-md px-2 font-bold">
        <Logo />
        <span className={RAIL_NAME}>Holdfast</span>
      </Link>
      <nav aria-label="Main" className="flex flex-1 flex-col gap-1">
        {PLACES.map((place) => (
          <Place key={place.to} place={place} isCurrent={place === current} />
        ))}
        <span className="mt-auto" />
        <Place place={SETTINGS} isCurrent={current === SETTINGS} />
      </nav>
      <ThemeSwitch />
      <Tooltip side="right" text="Keyboard" keys="?">
        <RailButton icon={Keyboard} label="Keyboard" onClick={overlays.openHelp} />
      </Tooltip>
    </div>
  )
}

function Place({ place, isCurrent }: { place: NavigationEntry; isCurrent: boolean }) {
  const { to, label, icon: Icon, keys, Badge } = place
  return (
    <div className="relative">
      <Tooltip side="right" text={label} keys={keys}>
        <Link
          to={to}
          aria-label={label}
          aria-current={isCurrent ? 'page' : undefined}
          className={classNames(RAIL_ITEM, isCurrent && 'bg-sunken font-medium text-ink')}
        >
          <Icon size={16} aria-hidden="true" className={classNames('shrink-0', isCurrent && 'text-accent')} />
          <span className={classNames(RAIL_NAME, 'flex-1 truncate')}>{label}</span>
          <span className="hidden opacity-0 transition-opacity group-hover:opacity-100 min-[1440px]:inline">
            <KeyHint keys={keys} />
          </span>
        </Link>
      </Tooltip>
      {Badge && (
        <span className="pointer-events-none absolute -top-1.5 -right-2 flex min-[1440px]:top-1.5 min-[1440px]:right-14">
          <Suspense>
            <Badge />
          </Suspense>
        </span>
      )}
    </div>
  )
}
