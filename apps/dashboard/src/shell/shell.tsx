import { useStreamClient } from '@holdfast/react'
import { Banner, Button, Failure, type Panel, Skeleton, SkeletonRows } from '@holdfast/ui'
import { useQuery } from '@tanstack/react-query'
import { Outlet } from '@tanstack/react-router'
import { RefreshCw } from 'lucide-react'
import { type ReactNode, Suspense } from 'react'
import { useConnectionFacts } from '../connection/use-connection-facts.ts'
import { useIsOutdated } from '../page-version.ts'
import { panels } from '../panels.ts'
import { isSignedOut, useWasRefused } from '../session.ts'
import { BottomBar } from './bottom-bar.tsx'
import { useFocusOnNavigation } from './focus.ts'
import { Header } from './header.tsx'
import { Overlays, useOverlays } from './overlays.tsx'
import { Rail } from './rail.tsx'
import { SignIn } from './sign-in.tsx'

/** The frame of every page: who is asking, where to go, how it is connected. */
export function Shell() {
  const client = useStreamClient()
  const me = useQuery({
    queryKey: ['me'],
    queryFn: () => client.me(),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const { connection, error } = useConnectionFacts()
  const wasRefused = useWasRefused()
  const isOutdated = useIsOutdated(connection.state === 'connected' || connection.state === 'degraded')
  // At the start, or later, when the session has run out or was ended elsewhere.
  if (isSignedOut(me.error) || isSignedOut(error) || wasRefused) return <SignIn wasSignedIn={me.data !== undefined} />
  return (
    <Frames frames={panels.map((panel) => panel.Frame)}>
      <Page>
        {isOutdated && <Outdated />}
        {me.isError ? (
          <Failure title="Holdfast does not answer" error={me.error} onRetry={() => me.refetch()} />
        ) : me.isPending ? (
          <PageSkeleton />
        ) : (
          <Suspense fallback={<PageSkeleton />}>
            <Outlet />
          </Suspense>
        )}
      </Page>
    </Frames>
  )
}

/** Each panel's frame around the next one's, all of them around the page. */
function Frames({ frames, children }: { frames: Panel['Frame'][]; children: ReactNode }) {
  const [Frame, ...inner] = frames
  return Frame ? (
    <Frame>
      <Frames frames={inner}>{children}</Frames>
    </Frame>
  ) : (
    children
  )
}

function Page({ children }: { children: ReactNode }) {
  const overlays = useOverlays()
  useFocusOnNavigation()
  return (
    <div className="flex min-h-dvh flex-col md:pl-13 min-[1440px]:pl-46">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-60 focus:rounded-md focus:border focus:border-line-strong focus:bg-raised focus:px-3 focus:py-2 focus:font-medium"
      >
        Skip to the content
      </a>
      <Rail overlays={overlays} />
      <Header overlays={overlays} />
      <main
        id="content"
        tabIndex={-1}
        className="mx-auto w-full max-w-400 flex-1 px-page-x pt-page pb-[calc(var(--foot)+4rem)] outline-none!"
      >
        {children}
      </main>
      <BottomBar overlays={overlays} />
      <Overlays overlays={overlays} />
    </div>
  )
}

function PageSkeleton() {
  return (
    <>
      <Skeleton className="mb-4 h-7 w-48" />
      <div className="rounded-md border border-line bg-raised">
        <SkeletonRows label="Reading the page" />
      </div>
    </>
  )
}

/** A newer version of the page is served. */
export function Outdated() {
  return (
    <div className="mb-4 print:hidden">
      <Banner
        icon={RefreshCw}
        tone="working"
        title="A newer version of this page is there."
        action={
          <Button small onClick={() => location.reload()}>
            Reload
          </Button>
        }
      >
        This one goes on working until then.
      </Banner>
    </div>
  )
}
