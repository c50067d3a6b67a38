import type { QueuesView } from '@holdfast/protocol/runs'
import { Cell, Chip, Head, Moment, Row, Table, TableHead } from '@holdfast/ui'
import { Globe, Server } from 'lucide-react'

type Worker = QueuesView['workers'][number]

/** Who is there to work: our servers, and programs outside that report over HTTP. */
export function WorkersTable({ workers }: { workers: readonly Worker[] }) {
  return (
    <section aria-labelledby="workers">
      <h2 id="workers" className="mb-2 font-medium">
        Workers
        <span className="ml-2 font-normal text-ink-3 max-sm:hidden">Servers, and programs outside that take work</span>
      </h2>
      {workers.length === 0 ? (
        <p className="rounded-md border border-line bg-raised px-cell-x py-2 text-ink-2">
          Nobody is there to work: what is queued stays queued.
        </p>
      ) : (
        <Table label="Workers" total={workers.length} data-testid="workers">
          <TableHead>
            <Head>Worker</Head>
            <Head className="w-30">Kind</Head>
            <Head className="max-lg:hidden">Takes</Head>
            <Head className="w-24 text-right">Working</Head>
            <Head className="w-26 text-right">Seen</Head>
          </TableHead>
          <tbody>
            {workers.map((worker) => (
              <WorkerRow key={worker.id} worker={worker} />
            ))}
          </tbody>
        </Table>
      )}
    </section>
  )
}

/** So many kinds are named; the rest on hover. */
const NAMED = 3

function WorkerRow({ worker: { id, outside, kinds, working, seenAt } }: { worker: Worker }) {
  const takes = kinds.map(({ name, version }) => `${name} ${version}`)
  const more = takes.length > NAMED ? ` and ${takes.length - NAMED} more` : ''
  return (
    <Row
      data-testid="worker-row"
      className="max-md:grid max-md:grid-cols-[1fr_auto] max-md:items-center max-md:gap-x-3 max-md:px-3 max-md:py-2"
    >
      <Cell className="truncate font-mono text-small max-md:p-0" title={id}>
        {id}
      </Cell>
      <Cell className="max-md:p-0">
        <Chip tone="quiet" icon={outside ? Globe : Server}>
          {outside ? 'Outside' : 'Server'}
        </Chip>
      </Cell>
      <Cell className="truncate text-ink-2 max-lg:hidden" title={takes.join(', ')}>
        {takes.slice(0, NAMED).join(', ')}
        {more}
      </Cell>
      <Cell className="numbers text-right max-md:p-0 max-md:text-left">
        {working}
        <span className="md:hidden"> working</span>
      </Cell>
      <Cell className="text-right text-ink-2 max-md:p-0">
        <Moment at={seenAt} />
      </Cell>
    </Row>
  )
}
