import { Choice, Section } from '@holdfast/ui'
import { useState } from 'react'
import { type LogLevel, useRunRoute } from '../run-route.ts'
import type { LiveRun } from '../use-live-run.ts'
import { LogBox } from './log-box.tsx'
import { useLog } from './use-log.ts'

const LEVELS: { name: LogLevel; title: string; ariaLabel: string }[] = [
  { name: 'debug', title: 'All', ariaLabel: 'All lines' },
  { name: 'info', title: 'Info', ariaLabel: 'Info, warnings and errors' },
  { name: 'warn', title: 'Warnings', ariaLabel: 'Warnings and errors' },
  { name: 'error', title: 'Errors', ariaLabel: 'Errors only' },
]

/** What happened, line by line. */
export function LogSection({ live }: { live: LiveRun }) {
  const { search, choose } = useRunRoute()
  const isOpen = search.log !== 'closed'
  const level = search.level ?? 'info'
  return (
    <div data-testid="log">
      <Section
        title="Log"
        open={isOpen}
        onOpenChange={(open) => choose({ log: open ? undefined : 'closed' })}
        actions={
          isOpen && (
            <span className="inline-flex">
              <Choice<LogLevel>
                label="Level of the log"
                value={level}
                onChange={(name) => choose({ level: name === 'info' ? undefined : name, line: undefined })}
                options={LEVELS}
              />
            </span>
          )
        }
      >
        <LogBody key={level} live={live} level={level} />
      </Section>
    </div>
  )
}

function LogBody({ live, level }: { live: LiveRun; level: LogLevel }) {
  const { search, choose } = useRunRoute()
  // Where it is opened; a line that is chosen afterwards is on the screen already.
  const [opened] = useState(search.line)
  const log = useLog(live, level, opened)
  return <LogBox live={live} log={log} chosen={search.line} opened={opened} onChoose={(line) => choose({ line })} />
}
