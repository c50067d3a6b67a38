import { type Connection, RequestError } from '@holdfast/client'
import { hasEnded, type RunDetails, type RunState, runStream } from '@holdfast/protocol/runs'
import { useStream } from '@holdfast/react'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useWorkNews } from '../changes.ts'
import { overlaid, usePendingOrders } from '../orders.ts'
import { useRunDetails, workKeys } from '../queries.ts'
import { useWorkRights } from '../rights.ts'
import { joinRun, signOf } from './join-run.ts'

export interface LiveRun {
  run: RunDetails
  /** As its stream tells it; `null` until that was read. */
  state: RunState | null
  /** The last position of its stream. */
  offset: string | null
  connection: Connection
  /** Its stream cannot be read: there is none, or not for this person. */
  isMute: boolean
  /** What is shown is of now: rates and times left may be told. */
  isOfNow: boolean
}

export interface LiveRunAnswer {
  live: LiveRun | null
  error: unknown
  retry(): void
}

/** A run's answer is read again at most this often, ms. */
const READ_EVERY_MS = 250

/** A run: its stream, the server's answer, and what was ordered a moment ago, as one. */
export function useLiveRun(id: string): LiveRunAnswer {
  const details = useRunDetails(id)
  const stream = useStream(runStream, { id })
  const pending = usePendingOrders()
  const queries = useQueryClient()
  const state = stream.offset === null ? null : stream.state
  useReadAgain(workKeys.facts(id), state === null ? null : signOf(state))
  const isBehind = isOlder(details.data?.since, state?.since)
  useEffect(() => {
    // The answer was on its way when the run went on: whatever the stream said then is known here as its start only.
    if (isBehind) void queries.invalidateQueries({ queryKey: workKeys.facts(id) })
  }, [queries, id, isBehind])
  useLineNews(details.data)
  // What was read before stays when reading it again fails, unless it is gone.
  const isGone = details.error instanceof RequestError && [403, 404].includes(details.error.status)
  const error = details.data === undefined || isGone ? details.error : null
  const retry = () => void details.refetch()
  if (details.data === undefined || isGone) return { live: null, error, retry }
  const joined = joinRun(details.data, state)
  const run = { ...joined, ...overlaid(joined, pending) }
  const { connection } = stream
  const isAway = connection.state === 'reconnecting' || connection.state === 'error'
  const isOfNow = !isAway || hasEnded(run.status)
  const isMute = stream.offset === null && stream.error !== null && !stream.error.retry
  return { live: { run, state, offset: stream.offset, connection, isMute, isOfNow }, error, retry }
}

/** An ended run is still tried again, and the runs of its line and those it started go on: read again for each change. */
function useLineNews(run: RunDetails | undefined): void {
  const queries = useQueryClient()
  const rights = useWorkRights()
  const isWanted = run !== undefined && hasEnded(run.status) && rights.list
  useWorkNews(({ all, runs }) => {
    if (run === undefined) return
    const ids = [run.id, ...run.line.map(({ id }) => id), ...run.children.map(({ id }) => id)]
    if (!all && !ids.some((id) => runs.has(id))) return
    return queries.invalidateQueries({ queryKey: workKeys.facts(run.id) })
  }, isWanted)
}

function isOlder(known: string | undefined, told: string | null | undefined): boolean {
  return known !== undefined && typeof told === 'string' && Date.parse(known) < Date.parse(told)
}

/** Reads a query again when `sign` changes, soon, and after that at most once in `everyMs`; the last change is never lost. */
function useReadAgain(queryKey: readonly unknown[], sign: string | null, everyMs = READ_EVERY_MS): void {
  const queries = useQueryClient()
  const name = JSON.stringify(queryKey)
  useOnChange(sign, everyMs, () => void queries.invalidateQueries({ queryKey: JSON.parse(name) }))
}

/** Calls `act` when `sign` changes from one text to another, at most once in `everyMs`, the last change included. */
export function useOnChange(sign: string | null, everyMs: number, act: () => void): void {
  const known = useRef({ sign, at: Number.NEGATIVE_INFINITY })
  const latest = useRef(act)
  useEffect(() => {
    latest.current = act
  })
  useEffect(() => {
    if (known.current.sign === null) known.current.sign = sign
    if (sign === null || known.current.sign === sign) return
    const wait = Math.max(0, known.current.at + everyMs - performance.now())
    const timer = setTimeout(() => {
      known.current = { sign, at: performance.now() }
      latest.current()
    }, wait)
    return () => clearTimeout(timer)
  }, [sign, everyMs])
}
