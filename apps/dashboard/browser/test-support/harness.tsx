import { browserWorld, StreamClient } from '@holdfast/client'
import { useIngestionSocket } from '@holdfast/ingest/client'
import { StreamProvider } from '@holdfast/react'
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'

/** A page of nothing but the hook, which says what it is given and counts what it calls. */
const projectId = new URLSearchParams(location.search).get('project') ?? ''
const calls: number[] = []

function Watcher({ onCalled }: { onCalled(): void }) {
  // Another function at each rendering, as people write it.
  const live = useIngestionSocket(projectId, {
    onComplete: (result) => {
      calls.push(result.files.total)
      onCalled()
    },
  })
  const { connectionState, currentPhase, progress, metrics, error, isOffline, reconnect } = live
  const told = { connectionState, currentPhase, progress, metrics, error, isOffline, reconnect: typeof reconnect }
  return <pre id="told">{JSON.stringify(told)}</pre>
}

function Page() {
  const [isMounted, setMounted] = useState(false)
  const [count, setCount] = useState(0)
  return (
    <>
      <button type="button" onClick={() => setMounted(!isMounted)}>
        {isMounted ? 'Unmount' : 'Mount'}
      </button>
      <button type="button" onClick={() => setCount(calls.length)}>
        Render again
      </button>
      <output>{calls.join(' ')}</output>
      <p>{count}</p>
      {isMounted && <Watcher onCalled={() => setCount(calls.length)} />}
    </>
  )
}

const element = document.getElementById('root')
if (element) {
  createRoot(element).render(
    <StrictMode>
      <StreamProvider client={new StreamClient(browserWorld(window))}>
        <Page />
      </StreamProvider>
    </StrictMode>,
  )
}
