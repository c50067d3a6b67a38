import '@holdfast/ui/styles.css'
import { browserWorld, RequestError, StreamClient } from '@holdfast/client'
import { StreamProvider } from '@holdfast/react'
import { Notices } from '@holdfast/ui'
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { followAppearance } from './appearance.ts'
import { reloadOnce } from './page-version.ts'
import { preloadPlaces, router } from './router.tsx'
import { noteRefusal, takePlace } from './session.ts'

const client = new StreamClient(browserWorld(window), { onOutdated: () => void reloadOnce() })
const queries = new QueryClient({
  queryCache: new QueryCache({ onError: noteRefusal }),
  mutationCache: new MutationCache({ onError: noteRefusal }),
  defaultOptions: {
    queries: {
      // Streams say when something changed; nothing is read again by the clock.
      staleTime: 30_000,
      retry: (count, error) => count < 3 && error instanceof RequestError && error.retry,
    },
  },
})

followAppearance()
window.addEventListener('vite:preloadError', () => void reloadOnce())

/** After what is seen at first has become live, ms. */
const PRELOAD_MS = 2_000
const stop = client.subscribe(() => {
  const { state } = client.getSnapshot().connection
  if (state !== 'connected' && state !== 'degraded') return
  stop()
  setTimeout(preloadPlaces, PRELOAD_MS)
})

const place = takePlace()
if (place !== null) history.replaceState(null, '', place)

const element = document.getElementById('root')
if (element) {
  createRoot(element).render(
    <StrictMode>
      <StreamProvider client={client}>
        <QueryClientProvider client={queries}>
          <Notices>
            <RouterProvider router={router} />
          </Notices>
        </QueryClientProvider>
      </StreamProvider>
    </StrictMode>,
  )
}
