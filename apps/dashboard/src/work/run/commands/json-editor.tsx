import { classNames } from '@holdfast/ui'
import { type KeyboardEvent, useId, useRef } from 'react'
import { lineOf } from './json-place.ts'

export interface JsonProblem {
  /** Where in the text. */
  place: number
  /** `null`: it is about the text, not about a field. */
  field: string | null
  message: string
}

interface JsonEditorProps {
  label: string
  text: string
  onChange(text: string): void
  problems: readonly JsonProblem[]
}

/** Text that is to be JSON, with numbered lines; what is wrong stands at its line, and is told below with the way there. */
export function JsonEditor({ label, text, onChange, problems }: JsonEditorProps) {
  const id = useId()
  const area = useRef<HTMLTextAreaElement>(null)
  const gutter = useRef<HTMLDivElement>(null)
  const numbers = text.split('\n').map((_, index) => index + 1)
  const wrong = new Set(problems.map(({ place }) => lineOf(text, place)))
  const goTo = (place: number) => {
    area.current?.focus()
    area.current?.setSelectionRange(place, place)
  }
  // Tab leaves the box, as everywhere; two spaces are what an editor gives for Enter within something.
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key !== 'Enter' || event.shiftKey || event.metaKey || event.ctrlKey) return
    event.preventDefault()
    const { selectionStart, selectionEnd } = event.currentTarget
    const line = text.slice(text.lastIndexOf('\n', selectionStart - 1) + 1, selectionStart)
    const indent = /^ */.exec(line)?.[0] ?? ''
    const more = /[{[]\s*$/.test(line) ? '  ' : ''
    event.currentTarget.setRangeText(`\n${indent}${more}`, selectionStart, selectionEnd, 'end')
    onChange(event.currentTarget.value)
  }
  return (
    <div>
      <label htmlFor={id} className="text-dense font-medium">
        {label}
      </label>
      <div
        className={classNames(
          'mt-1 flex h-72 max-h-[46dvh] overflow-hidden rounded-md border bg-sunken font-mono text-dense leading-5',
          problems.length > 0 ? 'border-fail' : 'border-control',
        )}
      >
        <div ref={gutter} aria-hidden="true" className="w-10 shrink-0 overflow-hidden py-1.5 text-right text-ink-3">
          {numbers.map((line) => (
            <div key={line} className={classNames('px-2', wrong.has(line) && 'bg-fail-soft font-medium text-fail')}>
              {line}
            </div>
          ))}
        </div>
        <textarea
          ref={area}
          id={id}
          value={text}
          spellCheck={false}
          autoCapitalize="off"
          wrap="off"
          aria-invalid={problems.length > 0}
          aria-describedby={`${id}-problems`}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={onKeyDown}
          onScroll={(event) => {
            if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop
          }}
          className="min-w-0 flex-1 resize-none overflow-auto bg-raised px-2 py-1.5 -outline-offset-2"
          data-testid="json-editor"
        />
      </div>
      <ul id={`${id}-problems`} className="mt-1 flex flex-col text-dense text-fail" data-testid="json-problems">
        {problems.map(({ place, field, message }) => (
          <li key={`${place} ${field} ${message}`}>
            <button
              type="button"
              onClick={() => goTo(place)}
              className="text-left underline-offset-2 hover:underline pointer-coarse:min-h-10"
            >
              Line {lineOf(text, place)}
              {field && (
                <>
                  , <span className="font-mono">{field}</span>
                </>
              )}
              : {message}
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
