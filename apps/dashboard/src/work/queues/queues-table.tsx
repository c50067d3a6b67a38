import type { QueueView } from '@holdfast/protocol/runs'
import { Button, Cell, Chip, classNames, duration, Head, Row, Table, TableHead, useNow } from '@holdfast/ui'
import { Link } from '@tanstack/react-router'
import { Check, LoaderCircle, Pause, Play } from 'lucide-react'
import type { ReactNode } from 'react'
import { countText } from './figures.ts'
import { useSetLimit } from './limits.ts'
import { Stepper } from './stepper.tsx'

interface QueuesTableProps {
  queues: readonly QueueView[]
  /** The one whose entries are open. */
  chosen: string | undefined
  mayOperate: boolean
  /** There is less room: the entries stand beside it. */
  isTight: boolean
}

/** Every queue with its figures, each of which leads to the runs it counts. */
export function QueuesTable({ queues, chosen, mayOperate, isTight }: QueuesTableProps) {
  return (
    <Table label="Queues" total={queues.length} data-testid="queues">
      <TableHead>
        <Head>Queue</Head>
        <Head className="w-26">State</Head>
        <Head className={isTight ? 'w-32' : 'w-48'}>{isTight ? 'At a time' : 'Working, at a time'}</Head>
        <Head className="w-20 text-right">Queued</Head>
        {!isTight && <Head className="w-20 text-right">Waiting</Head>}
        <Head className="w-20 text-right">Failed</Head>
        {!isTight && <Head className="w-28 text-right">Oldest</Head>}
        <Head className="w-14">
          <span className="sr-only">Pause</span>
        </Head>
      </TableHead>
      <tbody>
        {queues.map((queue) => (
          <QueueRow key={queue.name} {...{ queue, mayOperate, isTight }} isOpen={queue.name === chosen} />
        ))}
      </tbody>
    </Table>
  )
}

interface QueueRowProps {
  queue: QueueView
  isOpen: boolean
  mayOperate: boolean
  isTight: boolean
}

function QueueRow({ queue, isOpen, mayOperate, isTight }: QueueRowProps) {
  const { name, paused, concurrency, working, queued, waiting, failed, oldestDueAt } = queue
  const setLimit = useSetLimit()
  const pause = () => setLimit({ kind: 'queue', name, change: { paused: !paused } }, { paused })
  return (
    <Row
      data-testid="queue-row"
      data-queue={name}
      selected={isOpen}
      className="max-md:grid max-md:grid-cols-[1fr_auto_auto] max-md:items-center max-md:gap-x-3 max-md:gap-y-1.5 max-md:px-3 max-md:py-2"
    >
      <Cell className="truncate max-md:p-0">
        <Link
          to="/work/queues"
          search={isOpen ? {} : { queue: name }}
          resetScroll={false}
          data-open
          title={`The entries of ${name}`}
          className="font-medium hover:underline max-md:-my-3 max-md:block max-md:truncate max-md:py-3"
        >
          {name}
        </Link>
      </Cell>
      <Cell className="max-md:p-0">
        <QueueState paused={paused} concurrency={concurrency} working={working} />
      </Cell>
      <Cell className="max-md:row-start-2 max-md:p-0">
        <span className="flex items-center gap-2">
          {!isTight && (
            <Figure
              to={{ queue: name, status: 'working,quiet,stalled' }}
              testId="working"
              className="min-w-5 text-right"
            >
              {countText(working)}
            </Figure>
          )}
          {mayOperate ? (
            <>
              {!isTight && <span className="text-ink-3">of</span>}
              <Stepper
                label={`How many runs of ${name} may work at a time`}
                value={concurrency}
                working={working}
                onChange={(next) => setLimit({ kind: 'queue', name, change: { concurrency: next } })}
              />
            </>
          ) : (
            <span className="text-ink-2">{concurrency === null ? 'no limit' : `of ${concurrency}`}</span>
          )}
        </span>
      </Cell>
      <Cell className="numbers text-right max-md:hidden">
        <Figure to={{ queue: name, status: 'queued' }} testId="queued">
          {countText(queued)}
        </Figure>
      </Cell>
      {!isTight && (
        <Cell className="numbers text-right max-md:hidden">
          <Figure to={{ queue: name, status: 'waiting' }} testId="waiting">
            {countText(waiting)}
          </Figure>
        </Cell>
      )}
      <Cell className="numbers text-right max-md:hidden">
        <Failures queue={name} failed={failed} />
      </Cell>
      {!isTight && (
        <Cell className="numbers text-right text-ink-2 max-md:hidden">
          <Oldest at={oldestDueAt} />
        </Cell>
      )}
      <Cell className="text-right max-md:p-0">
        {mayOperate && (
          <Button
            small
            look="quiet"
            icon={paused ? Play : Pause}
            aria-label={paused ? `Resume ${name}` : `Pause ${name}`}
            onClick={pause}
            data-testid={paused ? 'resume' : 'pause'}
          />
        )}
      </Cell>
      <Cell className="numbers col-span-2 col-start-2 row-start-2 hidden p-0! text-right text-ink-2 max-md:block">
        {countText(queued)} queued
        {waiting > 0 && `, ${countText(waiting)} waiting`}
        {failed > 0 && (
          <>
            , <Failures queue={name} failed={failed} words />
          </>
        )}
      </Cell>
    </Row>
  )
}

interface QueueStateProps {
  paused: boolean
  concurrency: number | null
  working: number
}

/** Icon, word and colour of how a queue or a provider stands. */
export function QueueState({ paused, concurrency, working }: QueueStateProps) {
  if (paused || concurrency === 0) {
    return (
      <Chip tone="waiting" icon={Pause}>
        Paused
      </Chip>
    )
  }
  if (concurrency !== null && working >= concurrency) {
    return (
      <Chip tone="working" icon={LoaderCircle}>
        Full
      </Chip>
    )
  }
  return working > 0 ? (
    <Chip tone="working" icon={LoaderCircle}>
      Working
    </Chip>
  ) : (
    <Chip tone="quiet" icon={Check}>
      Open
    </Chip>
  )
}

interface FigureProps {
  to: { queue: string; status: string }
  testId: string
  className?: string
  children: ReactNode
}

/** A number that leads to the runs it counts. */
function Figure({ to, testId, className, children }: FigureProps) {
  return (
    <Link
      to="/work"
      search={to}
      data-testid={`count-${testId}`}
      className={classNames('numbers inline-block hover:underline', className)}
    >
      {children}
    </Link>
  )
}

function Failures({ queue, failed, words = false }: { queue: string; failed: number; words?: boolean }) {
  if (failed === 0) return <span className="text-ink-3">0</span>
  return (
    <Link
      to="/work/failures"
      search={{ queue }}
      title={`Failures of ${queue} by cause`}
      className="font-medium text-fail hover:underline"
      data-testid="count-failed"
    >
      {countText(failed)}
      {words && ' failed'}
    </Link>
  )
}

/** How long the first in line has been due. */
function Oldest({ at }: { at: string | null }) {
  const now = useNow(at === null ? null : 1000)
  if (at === null) return <span className="text-ink-3">–</span>
  const age = now - Date.parse(at)
  return <span title={new Date(at).toLocaleString()}>{age < 1000 ? 'now' : duration(age)}</span>
}
