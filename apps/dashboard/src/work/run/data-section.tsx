import { hasEnded, type RunDetails } from '@holdfast/protocol/runs'
import { CopyButton, Section } from '@holdfast/ui'
import { JsonView } from './json-view.tsx'
import { useRunRoute } from './run-route.ts'

/** What it was given and what came of it. */
export function DataSection({ run }: { run: RunDetails }) {
  const { search, choose } = useRunRoute()
  const hasResult = run.status === 'done' && run.result !== null && run.result !== undefined
  return (
    <div data-testid="data">
      <Section
        title={hasResult ? 'Input and result' : 'Input'}
        summary={search.data === 'open' ? undefined : briefly(hasResult ? run.result : run.input)}
        open={search.data === 'open'}
        onOpenChange={(isOpen) => choose({ data: isOpen ? 'open' : undefined })}
      >
        <div className="grid gap-3 px-cell-x py-2.5 md:grid-cols-2">
          <Value title="Input" value={run.input} />
          {hasResult ? (
            <Value title="Result" value={run.result} />
          ) : (
            <p className="text-dense text-ink-3">
              {hasEnded(run.status) ? 'It has no result.' : 'The result stands here when it is done.'}
            </p>
          )}
        </div>
      </Section>
    </div>
  )
}

function Value({ title, value }: { title: string; value: unknown }) {
  return (
    <div className="min-w-0">
      <h3 className="flex items-center gap-1 text-dense font-medium">
        {title}
        <CopyButton text={JSON.stringify(value, null, 2) ?? ''} label={`Copy the ${title.toLowerCase()}`} />
      </h3>
      <div className="max-h-96 overflow-auto">
        <JsonView value={value} />
      </div>
    </div>
  )
}

function briefly(value: unknown): string {
  const text = JSON.stringify(value) ?? ''
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
