import '@holdfast/ui/styles.css'
import { browserWorld, RequestError, StreamClient } from '@holdfast/client'
import { StreamProvider } from '@holdfast/react'
import { Notices } from '@holdfast/ui'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { router } from './router.tsx'

const client = new StreamClient(browserWorld(window))
const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // Streams say when something changed; nothing is read again by the clock.
      staleTime: 30_000,
      retry: (count, error) => count < 3 && error instanceof RequestError && error.retry,
    },
  },
})

// A newer page was built and the parts of this one are gone: take the newer one.
window.addEventListener('vite:preloadError', () => location.reload())

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
