import { classNames } from '@holdfast/ui'
import { ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { count } from './words.ts'

/** So many members are drawn at once; more on demand. */
const PART = 100
/** A text longer than this is folded. */
const LONG = 400

/** JSON as a tree that unfolds; what is folded is not drawn. */
export function JsonView({ value, name, depth = 0 }: { value: unknown; name?: string | undefined; depth?: number }) {
  if (typeof value === 'object' && value !== null) return <Branch value={value} name={name} depth={depth} />
  return (
    <div className="flex gap-1.5 py-px pl-5 font-mono text-small">
      <Name name={name} />
      <Leaf value={value} />
    </div>
  )
}

function Branch({ value, name, depth }: { value: object; name: string | undefined; depth: number }) {
  const members = Object.entries(value)
  const [isOpen, setOpen] = useState(depth === 0 || (depth === 1 && members.length <= 5))
  const [shown, setShown] = useState(PART)
  const isList = Array.isArray(value)
  const size = `${count(members.length)} ${isList ? 'item' : 'field'}${members.length === 1 ? '' : 's'}`
  if (members.length === 0) {
    return (
      <div className="flex gap-1.5 py-px pl-5 font-mono text-small">
        <Name name={name} />
        <span className="text-ink-3">{isList ? '[]' : '{}'}</span>
      </div>
    )
  }
  return (
    <div>
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex items-center gap-1.5 rounded-sm py-px text-left font-mono text-small hover:bg-sunken pointer-coarse:min-h-10"
      >
        <ChevronRight
          size={14}
          aria-hidden="true"
          className={classNames('text-ink-3 transition-transform', isOpen && 'rotate-90')}
        />
        <Name name={name} />
        <span className="text-ink-3">{isList ? `[${size}]` : `{${size}}`}</span>
      </button>
      {isOpen && (
        <div className="ml-1.5 border-l border-line pl-2">
          {members.slice(0, shown).map(([key, member]) => (
            <JsonView key={key} name={key} value={member} depth={depth + 1} />
          ))}
          {members.length > shown && (
            <button
              type="button"
              onClick={() => setShown(shown + PART)}
              className="py-px pl-5 text-small text-accent hover:underline pointer-coarse:min-h-10"
            >
              {count(members.length - shown)} more
            </button>
          )}
        </div>
      )}
    </div>
  )
}

function Name({ name }: { name: string | undefined }) {
  return name === undefined ? null : <span className="shrink-0 text-ink-2">{name}:</span>
}

function Leaf({ value }: { value: unknown }) {
  const [isWhole, setWhole] = useState(false)
  const text = JSON.stringify(value) ?? 'nothing'
  if (typeof value !== 'string' || text.length <= LONG || isWhole) {
    return <span className={classNames('min-w-0 break-words', typeof value !== 'string' && 'text-accent')}>{text}</span>
  }
  return (
    <span className="min-w-0 break-words">
      {text.slice(0, LONG)}…{' '}
      <button type="button" onClick={() => setWhole(true)} className="text-accent hover:underline">
        {count(text.length - LONG)} more letters
      </button>
    </span>
  )
}
