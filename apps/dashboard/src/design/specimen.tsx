import { Link } from '@tanstack/react-router'
import { createContext, type ReactNode, useContext } from 'react'
import type { Density } from '../appearance.ts'

/** The density that the specimens are shown in. */
export const DensityContext = createContext<Density>('comfortable')

interface SpecimenProps {
  /** The part of the address after `#`. */
  id: string
  title: string
  /** When it is used. */
  note?: string
  children: ReactNode
}

/** One group of components, light beside dark. */
export function Specimen({ id, title, note, children }: SpecimenProps) {
  const density = useContext(DensityContext)
  return (
    <section id={id} aria-labelledby={`${id}-title`} className="scroll-mt-[calc(var(--bar)+1rem)]">
      <h2 id={`${id}-title`} className="mb-1 font-bold">
        <Link to="." hash={id} className="hover:underline">
          {title}
        </Link>
      </h2>
      {note && <p className="mb-2 max-w-prose text-dense text-ink-2">{note}</p>}
      <div className="grid gap-3 xl:grid-cols-2">
        {(['light', 'dark'] as const).map((theme) => (
          <div
            key={theme}
            data-theme={theme}
            data-density={density}
            className="flex min-w-0 flex-col gap-3 rounded-md border border-line bg-ground p-4 text-ink"
          >
            {children}
          </div>
        ))}
      </div>
    </section>
  )
}

/** A row of specimens. */
export function Line({ children }: { children: ReactNode }) {
  return <div className="flex flex-wrap items-center gap-2">{children}</div>
}
