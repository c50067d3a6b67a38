import type { ProviderView } from '@holdfast/protocol/runs'
import { Button, Cell, Head, Row, Table, TableHead } from '@holdfast/ui'
import { Pause, Play } from 'lucide-react'
import { countText } from './figures.ts'
import { useSetLimit } from './limits.ts'
import { QueueState } from './queues-table.tsx'
import { Stepper } from './stepper.tsx'

/** Whom steps ask: how many at a time, and who waits for a place. Nothing where no step names one. */
export function ProvidersTable({ providers, mayOperate }: { providers: readonly ProviderView[]; mayOperate: boolean }) {
  if (providers.length === 0) return null
  return (
    <section aria-labelledby="providers">
      <h2 id="providers" className="mb-2 font-medium">
        Providers
        <span className="ml-2 font-normal text-ink-3 max-sm:hidden">Whom steps ask, over all queues</span>
      </h2>
      <Table label="Providers" total={providers.length} data-testid="providers">
        <TableHead>
          <Head>Provider</Head>
          <Head className="w-26">State</Head>
          <Head className="w-48">Steps, at a time</Head>
          <Head className="w-32 text-right">Runs waiting</Head>
          <Head className="w-14">
            <span className="sr-only">Pause</span>
          </Head>
        </TableHead>
        <tbody>
          {providers.map((provider) => (
            <ProviderRow key={provider.name} provider={provider} mayOperate={mayOperate} />
          ))}
        </tbody>
      </Table>
    </section>
  )
}

function ProviderRow({ provider, mayOperate }: { provider: ProviderView; mayOperate: boolean }) {
  const { name, paused, concurrency, working, waiting } = provider
  const setLimit = useSetLimit()
  const pause = () => setLimit({ kind: 'provider', name, change: { paused: !paused } }, { paused })
  return (
    <Row
      data-testid="provider-row"
      data-provider={name}
      className="max-md:grid max-md:grid-cols-[1fr_auto_auto] max-md:items-center max-md:gap-x-3 max-md:gap-y-1.5 max-md:px-3 max-md:py-2"
    >
      <Cell className="truncate font-medium max-md:p-0">{name}</Cell>
      <Cell className="max-md:p-0">
        <QueueState paused={paused} concurrency={concurrency} working={working} />
      </Cell>
      <Cell className="max-md:row-start-2 max-md:p-0">
        <span className="flex items-center gap-2">
          <span className="numbers min-w-5 text-right">{countText(working)}</span>
          {mayOperate ? (
            <>
              <span className="text-ink-3">of</span>
              <Stepper
                label={`How many steps may use ${name} at a time`}
                value={concurrency}
                working={working}
                onChange={(next) => setLimit({ kind: 'provider', name, change: { concurrency: next } })}
              />
            </>
          ) : (
            <span className="text-ink-2">{concurrency === null ? 'no limit' : `of ${concurrency}`}</span>
          )}
        </span>
      </Cell>
      <Cell className="numbers text-right max-md:col-span-2 max-md:col-start-2 max-md:row-start-2 max-md:p-0">
        {countText(waiting)}
        <span className="md:hidden"> waiting</span>
      </Cell>
      <Cell className="text-right max-md:col-start-3 max-md:row-start-1 max-md:p-0">
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
    </Row>
  )
}
