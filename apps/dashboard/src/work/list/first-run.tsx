import { CopyButton, Empty } from '@holdfast/ui'
import { ListChecks } from 'lucide-react'

/** No run yet: what they are, and two ways to have one that work as they stand. */
export function FirstRun() {
  const curl = `curl ${location.origin}/api/runs -H "authorization: Bearer $TOKEN" -H "content-type: application/json" -d '{"name":"hello","version":1,"input":{"to":"the harbour"}}'`
  return (
    <div className="rounded-md border border-line bg-raised" data-testid="first-run">
      <Empty icon={ListChecks} title="No work yet">
        <p>
          A run is work that outlives its process: it survives restarts, its finished steps are kept, and you can pause,
          cancel and retry it here.
        </p>
        <Example title="Turn a folder of documents into passages" command="npx holdfast ingest ./docs" />
        <Example title="Or queue work for a worker of your own; npx holdfast token makes the token" command={curl} />
      </Empty>
    </div>
  )
}

function Example({ title, command }: { title: string; command: string }) {
  return (
    <div className="mt-4 text-left">
      <p className="mb-1 text-dense font-medium text-ink">{title}</p>
      <div className="flex items-start gap-2 rounded-md border border-line bg-sunken py-1.5 pr-1.5 pl-3">
        <code className="min-w-0 flex-1 py-0.5 font-mono text-small break-all text-ink">{command}</code>
        <CopyButton text={command} label="Copy the command" />
      </div>
    </div>
  )
}
