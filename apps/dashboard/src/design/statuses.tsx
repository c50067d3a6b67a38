import { Badge, Chip, Moment, ProgressBar, ProgressRing, Stat } from '@holdfast/ui'
import { Ban, Check, CircleSlash, Clock, LoaderCircle } from 'lucide-react'
import { useState } from 'react'
import { ConnectionPanel, Mark } from '../connection/connection-mark.tsx'
import { connectionStates } from './facts.ts'
import { Line, Specimen } from './specimen.tsx'

export function Statuses() {
  const [now] = useState(Date.now)
  return (
    <>
      <Specimen id="status" title="Status" note="Icon, word and colour together; colour never stands alone.">
        <Line>
          <Chip tone="working" icon={LoaderCircle}>
            Working
          </Chip>
          <Chip tone="done" icon={Check}>
            Done
          </Chip>
          <Chip tone="waiting" icon={Clock}>
            Queued
          </Chip>
          <Chip tone="failed" icon={CircleSlash}>
            Failed
          </Chip>
          <Chip tone="quiet" icon={Ban}>
            Cancelled
          </Chip>
        </Line>
        <Line>
          <Badge>12</Badge>
          <Badge tone="failed">3</Badge>
          <Badge tone="done">1,204</Badge>
          <span className="text-dense text-ink-2">
            <Moment at={new Date(now - 5 * 60_000).toISOString()} />
          </span>
        </Line>
      </Specimen>
      <Specimen
        id="progress"
        title="Progress"
        note="A known share of a known whole. It eases from value to value and never runs back."
      >
        <div className="flex flex-col gap-3">
          <ProgressBar label="Waiting" percent={0} tone="quiet" />
          <ProgressBar label="Working" percent={34} />
          <ProgressBar label="Done" percent={100} tone="done" />
          <ProgressBar label="Stopped" percent={61} tone="failed" />
        </div>
        <Line>
          <ProgressRing label="Waiting" percent={0} tone="quiet" />
          <ProgressRing label="Working" percent={34} />
          <ProgressRing label="Done" percent={100} tone="done" />
          <ProgressRing label="Stopped" percent={61} tone="failed" size={24} />
        </Line>
      </Specimen>
      <Specimen id="figures" title="Figures" note="With their unit, in figures of one width.">
        <div className="flex flex-wrap gap-x-8 gap-y-3">
          <Stat label="Files" value="64" unit="of 67" />
          <Stat label="Rate" value="12.4" unit="files/s" hint="mean of 10 s" />
          <Stat label="Failed" value="2" tone="failed" />
          <Stat label="Left" value="1 m 04 s" />
        </div>
      </Specimen>
      <Specimen
        id="connection"
        title="Connection"
        note="How it is connected, and pressed, what that means and what can be done."
      >
        <Line>
          {connectionStates(now).map(([name, facts]) => (
            <Mark key={name} facts={facts} now={now} />
          ))}
        </Line>
        <div className="grid gap-3 sm:grid-cols-2">
          {connectionStates(now).map(([name, facts]) => (
            <div key={name} className="rounded-md border border-line bg-raised p-3">
              <p className="mb-2 text-small text-ink-3">{name}</p>
              <ConnectionPanel facts={facts} onReconnect={() => {}} />
            </div>
          ))}
        </div>
      </Specimen>
    </>
  )
}
