import { Button, classNames } from '@holdfast/ui'
import { Minus, Plus } from 'lucide-react'
import { type KeyboardEvent, useState } from 'react'

interface StepperProps {
  /** What is limited: `How many runs of mail may work`. */
  label: string
  /** `null`: no limit. */
  value: number | null
  /** What works now: the first step down from no limit. */
  working: number
  onChange(value: number | null): void
}

const MOST = 10_000

/** How many may work at a time: 0 is paused, empty is no limit. Buttons and arrow keys set it at once, typing with Enter. */
export function Stepper({ label, value, working, onChange }: StepperProps) {
  const [typed, setTyped] = useState<string | null>(null)
  const text = typed ?? (value === null ? '' : String(value))
  const parsed = parseLimit(text)
  const set = (next: number | null) => {
    setTyped(null)
    if (next !== value) onChange(next)
  }
  const commit = () => (parsed === undefined ? setTyped(null) : set(parsed))
  const less = () => set(Math.max(0, value === null ? Math.max(1, working) : value - 1))
  const more = () => value !== null && set(value + 1)
  const onKeyDown = (event: KeyboardEvent) => {
    const act = { Enter: commit, ArrowUp: more, ArrowDown: less, Escape: () => setTyped(null) }[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }
  return (
    <fieldset className="inline-flex items-center" title="0 is paused, empty is no limit">
      <legend className="sr-only">{label}</legend>
      <Button
        small
        icon={Minus}
        aria-label="One less"
        disabled={value === 0}
        onClick={less}
        className="rounded-r-none"
        data-testid="less"
      />
      <input
        aria-label={label}
        inputMode="numeric"
        value={text}
        placeholder="∞"
        aria-invalid={parsed === undefined}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={commit}
        onKeyDown={onKeyDown}
        data-testid="limit"
        className={classNames(
          'numbers h-7 w-11 border-y bg-raised text-center text-dense -outline-offset-2 pointer-coarse:h-10 pointer-coarse:text-[16px]',
          parsed === undefined ? 'border-fail' : 'border-line-strong',
        )}
      />
      <Button
        small
        icon={Plus}
        aria-label="One more"
        disabled={value === null}
        onClick={more}
        className="rounded-l-none"
        data-testid="more"
      />
    </fieldset>
  )
}

/** `null`: no limit; `undefined`: not a number of runs. */
export function parseLimit(text: string): number | null | undefined {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed === '∞') return null
  if (!/^\d+$/.test(trimmed)) return undefined
  const value = Number(trimmed)
  return value <= MOST ? value : undefined
}
