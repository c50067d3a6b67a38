import { RequestError } from '@holdfast/client'
import { Banner, Button, Empty, Failure, NoPermission, Skeleton, SkeletonRows } from '@holdfast/ui'
import { Clock, FolderTree, Plug, WifiOff } from 'lucide-react'
import { Outdated } from '../shell/shell.tsx'
import { SignInForm } from '../shell/sign-in.tsx'
import { FAILURE } from './facts.ts'
import { Specimen } from './specimen.tsx'

const FORBIDDEN = new RequestError('This needs the scope manage:projects/p1.', {
  code: 'FORBIDDEN',
  status: 403,
  kind: 'auth',
  retry: false,
  requestId: 'req-43',
})

export function States() {
  return (
    <>
      <Specimen
        id="loading"
        title="Loading"
        note="The place of what is being read. No spinner where a shape can stand."
      >
        <div className="rounded-md border border-line bg-raised">
          <SkeletonRows rows={3} label="Reading" />
        </div>
        <Skeleton className="w-40" />
      </Specimen>
      <Specimen id="empty" title="Empty" note="What this is for, one action, an example to try.">
        <div className="rounded-md border border-line bg-raised">
          <Empty icon={FolderTree} title="No file yet" action={<Button look="primary">Add documents</Button>}>
            Files appear here as they are found. To try it, take any folder of notes or code.
          </Empty>
        </div>
      </Specimen>
      <Specimen
        id="failed"
        title="Failed"
        note="The cause in plain words, its code, the request's id to copy, a retry."
      >
        <Failure title="The files could not be read" error={FAILURE} onRetry={() => {}} />
        <Failure title="The project could not be removed" error={FORBIDDEN} />
      </Specimen>
      <Specimen
        id="banners"
        title="Stale, degraded, offline, outdated"
        note="What is so, since when, and what still works."
      >
        <Banner
          icon={Plug}
          tone="waiting"
          title="Reconnecting for 1 m 04 s."
          action={<Button small>Reconnect now</Button>}
        >
          What you see is as of 14:02:11; the work on the server goes on.
        </Banner>
        <Banner icon={Clock} tone="waiting" title="Degraded.">
          No WebSocket gets through. Changes come by asking every 2 s.
        </Banner>
        <Banner icon={WifiOff} tone="quiet" title="This device has no network.">
          2 changes wait here to be sent.
        </Banner>
        <Banner
          icon={Plug}
          tone="failed"
          title="Not connected since 14:02:11."
          action={<Button small>Reconnect</Button>}
        >
          It is not tried again by itself.
        </Banner>
        <Outdated />
      </Specimen>
      <Specimen id="no-permission" title="No permission" note="It is there, but not for this person.">
        <div className="rounded-md border border-line bg-raised">
          <NoPermission what="this project" scope="read:projects/p1/*" action={<Button>Go to projects</Button>} />
        </div>
      </Specimen>
      <Specimen id="sign-in" title="Sign in, and signed out meanwhile">
        <div className="rounded-md border border-line bg-raised">
          <SignInForm />
        </div>
        <div className="rounded-md border border-line bg-raised">
          <SignInForm wasSignedIn />
        </div>
      </Specimen>
    </>
  )
}
