import { RequestError } from '@holdfast/client'
import type { ScheduleView } from '@holdfast/protocol/runs'
import { Button, Empty, Failure, NoPermission, SkeletonRows, useReport, useToast } from '@holdfast/ui'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { CalendarClock, Plus } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { useWorkNews } from '../changes.ts'
import { WorkFrame } from '../frame.tsx'
import { LiveNote } from '../live-note.tsx'
import { useWorkApi, workKeys } from '../queries.ts'
import { useWorkRights } from '../rights.ts'
import { ScheduleRow } from './schedule-row.tsx'

const NewSchedule = lazy(() => import('./new-schedule.tsx').then(({ NewSchedule }) => ({ default: NewSchedule })))

/** What is begun by the clock: when, how often, in which zone. */
export function SchedulesPage() {
  const list = useSchedules()
  const { operate } = useWorkRights()
  const [isAdding, setAdding] = useState(false)
  const change = useScheduleChanges()
  const schedules = list.data?.items ?? []
  const add = operate && (
    <Button look="primary" icon={Plus} onClick={() => setAdding(true)} data-testid="new-schedule">
      New schedule
    </Button>
  )
  return (
    <WorkFrame tab="schedules" action={schedules.length > 0 && add}>
      {list.isPending && (
        <div className="rounded-md border border-line bg-raised">
          <SkeletonRows label="Reading the schedules" />
        </div>
      )}
      {list.error instanceof RequestError && list.error.status === 403 ? (
        <NoPermission what="the schedules" scope="read:runs" />
      ) : (
        list.isError && (
          <Failure title="The schedules could not be read" error={list.error} onRetry={() => list.refetch()} />
        )
      )}
      <LiveNote />
      {list.isSuccess && schedules.length === 0 && (
        <div className="rounded-md border border-line bg-raised" data-testid="no-schedules">
          <Empty icon={CalendarClock} title="Nothing comes by the clock" action={add}>
            A schedule begins a run again and again: each morning at seven, say, which is{' '}
            <code className="font-mono text-small">0 7 * * *</code>. Times that pass while no server runs are made up
            for once.
          </Empty>
        </div>
      )}
      {schedules.length > 0 && (
        <ul className="overflow-clip rounded-md border border-line bg-raised" data-testid="schedules">
          {schedules.map((schedule) => (
            <li key={schedule.id} className="border-b border-line last:border-b-0">
              <ScheduleRow schedule={schedule} mayChange={operate} {...change} />
            </li>
          ))}
        </ul>
      )}
      {isAdding && (
        <Suspense>
          <NewSchedule onClose={() => setAdding(false)} />
        </Suspense>
      )}
    </WorkFrame>
  )
}

function useSchedules() {
  const api = useWorkApi()
  const queries = useQueryClient()
  useWorkNews(({ all, settings }) =>
    all || settings ? queries.invalidateQueries({ queryKey: workKeys.schedules }) : undefined,
  )
  return useQuery({ queryKey: workKeys.schedules, queryFn: ({ signal }) => api.schedules(signal) })
}

/** Pausing and removing, shown at once; what is refused is put back, and what was removed can be made again. */
function useScheduleChanges() {
  const api = useWorkApi()
  const queries = useQueryClient()
  const toast = useToast()
  const report = useReport()
  const key = workKeys.schedules
  const show = (change: (items: ScheduleView[]) => ScheduleView[]) =>
    queries.setQueryData<{ items: ScheduleView[] }>(key, (known) => known && { items: change(known.items) })
  const settled = () => queries.invalidateQueries({ queryKey: key })
  const set = useMutation({
    networkMode: 'always',
    mutationFn: ({ schedule, paused }: { schedule: ScheduleView; paused: boolean }) =>
      api.setSchedule(schedule.id, { paused }),
    onMutate: ({ schedule, paused }) =>
      show((items) => items.map((one) => (one.id === schedule.id ? { ...one, paused } : one))),
    onError: (error, { schedule, paused }) =>
      report(`${schedule.name} was not ${paused ? 'paused' : 'resumed'}`, error),
    onSettled: settled,
  })
  const restore = useMutation({
    networkMode: 'always',
    mutationFn: async ({ name, input, cron, timezone, paused }: ScheduleView) => {
      const made = await api.addSchedule({ name, input, cron, timezone })
      if (paused) await api.setSchedule(made.id, { paused })
    },
    onError: (error, { name }) => report(`The schedule of ${name} was not made again`, error),
    onSettled: settled,
  })
  const remove = useMutation({
    networkMode: 'always',
    mutationFn: ({ id }: ScheduleView) => api.removeSchedule(id),
    onMutate: ({ id }) => show((items) => items.filter((one) => one.id !== id)),
    onSuccess: (_, schedule) =>
      toast({
        title: `The schedule of ${schedule.name} is removed`,
        detail: 'Runs that it has begun go on.',
        undo: { run: () => restore.mutate(schedule) },
      }),
    onError: (error, { name }) => report(`The schedule of ${name} was not removed`, error),
    onSettled: settled,
  })
  return {
    onPause: (schedule: ScheduleView, paused: boolean) => set.mutate({ schedule, paused }),
    onRemove: (schedule: ScheduleView) => remove.mutate(schedule),
  }
}
