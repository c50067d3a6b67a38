import { browserWorld, StreamClient } from '@holdfast/client'
import { ingestionStream } from '@holdfast/ingest/streams'
import { StreamProvider, useConnection, useStream } from '@holdfast/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

/**
 * A page of nothing but a client and hooks on one ingestion's stream. It comes with the token of its address, if there
 * is one, keeps its appends where the address says so, says what it is told, and calls `onCompleted` of its test.
 */
const query = new URLSearchParams(location.search)
const params = { projectId: query.get('project') ?? '', ingestionId: query.get('ingestion') ?? '' }
const token = query.get('with')
const client = new StreamClient(browserWorld(window), {
  ...(token !== null && { token: async () => ({ token }) }),
  keepAppends: query.has('keep'),
})

declare global {
  interface Window {
    /** Of the test. */
    onCompleted?(hook: string): void
    /** For the test. */
    harness: { append(stream: string, event: object): Promise<string> }
  }
}

window.harness = {
  append: (stream, event) =>
    client.append(stream, [event]).then(
      () => 'appended',
      (error: { code?: string }) => `refused: ${error.code}`,
    ),
}

function Watcher({ hook, onceEver }: { hook: string; onceEver: boolean }) {
  const { state, connection } = useStream(ingestionStream, params, {
    onceEver,
    onComplete: () => window.onCompleted?.(hook),
  })
  return <pre data-testid={hook}>{JSON.stringify({ status: state.status, phases: state.phases, connection })}</pre>
}

function Page() {
  const { connection, role, queued } = useConnection()
  return (
    <>
      <output data-testid="connection" data-state={connection.state} data-queued={queued}>
        {role}
      </output>
      {params.ingestionId !== '' && (
        <>
          <Watcher hook="each" onceEver={false} />
          <Watcher hook="each too" onceEver={false} />
          <Watcher hook="ever" onceEver={true} />
        </>
      )}
    </>
  )
}

const element = document.getElementById('root')
if (element) {
  createRoot(element).render(
    <StrictMode>
      <StreamProvider client={client}>
        <Page />
      </StreamProvider>
    </StrictMode>,
  )
}
