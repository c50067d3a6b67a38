import { RequestError } from '@holdfast/client'
import { Button, Dialog, DialogActions, Failure, Field } from '@holdfast/ui'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { useKinds, useWorkApi, workKeys } from '../queries.ts'
import { JsonEditor, type JsonProblem } from '../run/commands/json-editor.tsx'
import { findPlace, findSyntaxError } from '../run/commands/json-place.ts'
import { isTimezone, readCron, timeIn } from './cron-words.ts'

/** Makes a schedule: what, with which input, when; how the times are read is said before it is made. */
export function NewSchedule({ onClose }: { onClose(): void }) {
  return (
    <Dialog
      open
      wide
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title="New schedule"
      description="Begins a run at each of its times, for as long as it stands."
    >
      <ScheduleForm onClose={onClose} />
    </Dialog>
  )
}

function ScheduleForm({ onClose }: { onClose(): void }) {
  const [name, setName] = useState('')
  const [input, setInput] = useState('{}')
  const [cron, setCron] = useState('0 7 * * 1-5')
  const [timezone, setTimezone] = useState(() => Intl.DateTimeFormat().resolvedOptions().timeZone)
  const [opened] = useState(Date.now)
  const add = useAddSchedule(onClose)
  const fields = problemsOf(add.error)
  const isZone = isTimezone(timezone.trim())
  const reading = isZone ? readCron(cron, timezone.trim(), opened) : null
  const syntax = findSyntaxError(input)
  const problems: JsonProblem[] = syntax
    ? [{ ...syntax, field: null }]
    : fields.input.map(({ field, message }) => ({ field, message, place: findPlace(input, field) }))
  const isWrong = name.trim() === '' || syntax !== null || reading === null || 'problem' in reading
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isWrong)
      add.mutate({ name: name.trim(), input: JSON.parse(input), cron: cron.trim(), timezone: timezone.trim() })
  }
  const cronProblem = fields.cron ?? (reading && 'problem' in reading ? reading.problem : undefined)
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <KindField value={name} onChange={setName} problem={fields.name} />
      <div className="grid gap-3 sm:grid-cols-2">
        <Field
          label="Times, as cron"
          value={cron}
          onChange={(event) => setCron(event.target.value)}
          problem={cronProblem}
          hint={reading && 'words' in reading ? `${reading.words}.` : undefined}
          className="[&_input]:font-mono"
          autoComplete="off"
          spellCheck={false}
          data-testid="schedule-cron"
        />
        <ZoneField
          value={timezone}
          onChange={setTimezone}
          problem={isZone ? fields.timezone : 'No time zone is called so.'}
        />
      </div>
      {reading && 'next' in reading && (
        <p className="numbers text-dense text-ink-2" data-testid="next-times">
          Next: {reading.next.map((at) => timeIn(timezone.trim(), at)).join(' · ')}
        </p>
      )}
      <div className="[&>div>div]:h-32!">
        <JsonEditor label="Input" text={input} onChange={setInput} problems={problems} />
      </div>
      {add.isError && !fields.isTold && <Failure title="The schedule was not made" error={add.error} />}
      <DialogActions>
        <Button onClick={onClose}>Close</Button>
        <Button look="primary" type="submit" disabled={isWrong || add.isPending} data-testid="add-schedule">
          Create schedule
        </Button>
      </DialogActions>
    </form>
  )
}

function useAddSchedule(onDone: () => void) {
  const api = useWorkApi()
  const queries = useQueryClient()
  return useMutation({
    networkMode: 'always',
    mutationFn: api.addSchedule,
    onSuccess: () => {
      onDone()
      return queries.invalidateQueries({ queryKey: workKeys.schedules })
    },
  })
}

interface TextFieldProps {
  value: string
  onChange(value: string): void
  problem: string | undefined
}

function KindField({ value, onChange, problem }: TextFieldProps) {
  const id = useId()
  // Only a server begins what comes by the clock.
  const kinds = useKinds().data?.items.filter(({ outside }) => !outside) ?? []
  const names = [...new Set(kinds.map(({ name }) => name))].sort()
  return (
    <>
      <Field
        label="Kind of run"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        problem={problem}
        list={id}
        placeholder={names[0]}
        autoComplete="off"
        autoFocus
        data-testid="schedule-kind"
      />
      <datalist id={id}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  )
}

function ZoneField({ value, onChange, problem }: TextFieldProps) {
  const id = useId()
  return (
    <>
      <Field
        label="Time zone"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        problem={problem}
        list={id}
        autoComplete="off"
        spellCheck={false}
      />
      <datalist id={id}>
        {Intl.supportedValuesOf('timeZone').map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  )
}

/** What the server found wrong, by field; the rest is told below the form. */
function problemsOf(error: unknown) {
  const errors = error instanceof RequestError ? (error.errors ?? []) : []
  const of = (field: string) => errors.find((one) => one.field === field)?.message
  const input = errors
    .filter(({ field }) => /^input($|[.[/])/.test(field))
    .map(({ field, message }) => ({ field: field.replace(/^input[./]?/, ''), message }))
  const name = of('name') ?? (error instanceof RequestError && error.status === 404 ? error.message : undefined)
  const known = { name, cron: of('cron'), timezone: of('timezone'), input }
  const isTold =
    errors.length > 0 ? [name, known.cron, known.timezone].some(Boolean) || input.length > 0 : name !== undefined
  return { ...known, isTold }
}
