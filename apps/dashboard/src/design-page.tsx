import { RequestError } from '@holdfast/client'
import {
  Button,
  Chip,
  Choice,
  CopyButton,
  Dialog,
  DialogActions,
  Empty,
  Failure,
  Field,
  Key,
  Menu,
  MenuItem,
  Moment,
  ProgressBar,
  Skeleton,
  SkeletonRows,
  TabPanel,
  Tabs,
} from '@holdfast/ui'
import { Ban, Check, CircleSlash, Clock, FolderTree, LoaderCircle, Plus, RotateCw, Search } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { Mark } from './connection-mark.tsx'
import { SignInForm } from './sign-in.tsx'

/** Every component in every state, in both themes. */
export default function DesignPage() {
  return (
    <>
      <h1 className="mb-4 text-title font-bold">Design</h1>
      <div className="grid gap-4 lg:grid-cols-2">
        <Sheet theme="light" />
        <Sheet theme="dark" />
      </div>
    </>
  )
}

function Sheet({ theme }: { theme: 'light' | 'dark' }) {
  return (
    <section
      aria-label={`${theme} theme`}
      data-theme={theme}
      className="flex min-w-0 flex-col gap-6 rounded-md border border-line bg-ground p-4 text-ink"
    >
      <Colours />
      <Type />
      <Buttons />
      <Statuses />
      <Bars />
      <Inputs />
      <Overlays />
      <States />
    </section>
  )
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <h2 className="mb-2 text-dense font-medium text-ink-3">{title}</h2>
      {children}
    </div>
  )
}

const COLOURS = [
  'ground raised sunken line line-strong',
  'ink ink-2 ink-3',
  'accent accent-hover accent-soft on-accent',
  'done done-soft wait wait-soft fail fail-soft quiet quiet-soft mark',
]

function Colours() {
  return (
    <Group title="Colour">
      {COLOURS.map((row) => (
        <div key={row} className="mb-2 flex flex-wrap gap-2">
          {row.split(' ').map((name) => (
            <span key={name} className="flex items-center gap-1.5 text-small text-ink-2">
              <span className="size-5 rounded-sm border border-line" style={{ background: `var(--${name})` }} />
              {name}
            </span>
          ))}
        </div>
      ))}
    </Group>
  )
}

function Type() {
  return (
    <Group title="Type">
      <p className="text-title font-bold">Title, 20 on 28, bold</p>
      <p>Body, 14 on 20. What people read.</p>
      <p className="font-medium">Medium, for names and what matters now.</p>
      <p className="text-dense text-ink-2">Dense, 13 on 18. Tables and notes.</p>
      <p className="text-small text-ink-3">Small, 12 on 16. Chips and ids.</p>
      <p className="numbers font-mono">0000000000000001_0000000000000042 · 1 m 04 s · 12.4 MB</p>
    </Group>
  )
}

function Buttons() {
  return (
    <Group title="Buttons">
      <div className="flex flex-wrap items-center gap-2">
        <Button look="primary" icon={Plus}>
          Add documents
        </Button>
        <Button icon={RotateCw}>Retry</Button>
        <Button look="quiet">Close</Button>
        <Button look="danger">Cancel ingestion</Button>
        <Button look="quiet" icon={Search} aria-label="Search" />
        <CopyButton text="copied" label="Copy" />
      </div>
      <div className="mt-2 flex flex-wrap items-center gap-2">
        <Button look="primary" disabled>
          Disabled
        </Button>
        <Button disabled>Disabled</Button>
        <Button small icon={RotateCw}>
          Small
        </Button>
        <Key>⌘</Key>
        <Key>K</Key>
      </div>
    </Group>
  )
}

function Statuses() {
  const connection = { attempt: 3, retryAt: Date.now() + 8000, since: Date.now() - 9000 }
  return (
    <Group title="Status and connection">
      <div className="flex flex-wrap gap-2">
        <Chip tone="working" icon={LoaderCircle}>
          Working
        </Chip>
        <Chip tone="done" icon={Check}>
          Done
        </Chip>
        <Chip tone="waiting" icon={Clock}>
          Queued
        </Chip>
        <Chip tone="failed" icon={CircleSlash}>
          Failed
        </Chip>
        <Chip tone="quiet" icon={Ban}>
          Cancelled
        </Chip>
      </div>
      <div className="mt-2 flex flex-wrap gap-2">
        <Mark connection={{ ...connection, state: 'connecting' }} isOffline={false} />
        <Mark connection={{ ...connection, state: 'connected' }} isOffline={false} />
        <Mark connection={{ ...connection, state: 'reconnecting' }} isOffline={false} />
        <Mark connection={{ ...connection, state: 'reconnecting' }} isOffline />
        <Mark connection={{ ...connection, state: 'error' }} isOffline={false} />
        <Mark connection={null} isOffline />
      </div>
      <p className="mt-2 text-dense text-ink-2">
        <Moment at={new Date(Date.now() - 5 * 60_000).toISOString()} /> · <mark>what was searched for</mark>
      </p>
    </Group>
  )
}

function Bars() {
  const [percent, setPercent] = useState(34)
  return (
    <Group title="Progress">
      <div className="flex flex-col gap-3">
        <ProgressBar label="Waiting" percent={0} tone="quiet" />
        <ProgressBar label="Working" percent={percent} />
        <ProgressBar label="Done" percent={100} tone="done" />
        <ProgressBar label="Stopped" percent={61} tone="failed" />
      </div>
      <Button small className="mt-2" onClick={() => setPercent((known) => Math.min(100, known + 17))}>
        Go on
      </Button>
    </Group>
  )
}

function Inputs() {
  const [choice, setChoice] = useState<'all' | 'failed'>('all')
  const [tab, setTab] = useState<'files' | 'search'>('files')
  return (
    <Group title="Input">
      <div className="flex flex-col gap-3">
        <Field label="Name" placeholder="Handbook" hint="Any name will do." />
        <Field label="Path" defaultValue="/etc" problem="That folder is outside the allowed roots." />
        <Field label="Search" hideLabel placeholder="Search" icon={Search} />
        <Choice<'all' | 'failed'>
          label="Filter"
          value={choice}
          onChange={setChoice}
          options={[
            { name: 'all', title: 'All' },
            { name: 'failed', title: 'Failed 3' },
          ]}
        />
        <Tabs<'files' | 'search'>
          label="Tabs"
          value={tab}
          onChange={setTab}
          tabs={[
            { name: 'files', title: 'Files' },
            { name: 'search', title: 'Search' },
          ]}
        >
          <TabPanel name="files">What stands below the tab.</TabPanel>
          <TabPanel name="search">Something else.</TabPanel>
        </Tabs>
      </div>
    </Group>
  )
}

function Overlays() {
  const [isOpen, setOpen] = useState(false)
  return (
    <Group title="Overlays (in the page's own theme)">
      <div className="flex gap-2">
        <Button onClick={() => setOpen(true)}>Open a dialog</Button>
        <Menu trigger={<Button>Open a menu</Button>}>
          <MenuItem icon={RotateCw} hint="Looks at every file" onSelect={() => {}}>
            All of it
          </MenuItem>
        </Menu>
      </div>
      <Dialog
        open={isOpen}
        onOpenChange={setOpen}
        title="Cancel this ingestion?"
        description="34 files stay searchable."
      >
        <DialogActions>
          <Button onClick={() => setOpen(false)}>Keep it going</Button>
          <Button look="danger" onClick={() => setOpen(false)}>
            Cancel ingestion
          </Button>
        </DialogActions>
      </Dialog>
    </Group>
  )
}

const FAILURE = new RequestError('The server could not be reached.', {
  code: 'UNREACHABLE',
  status: 0,
  kind: 'network',
  retry: true,
  requestId: 'req-42',
})

function States() {
  return (
    <Group title="States of a page">
      <div className="flex flex-col gap-3">
        <div className="rounded-md border border-line bg-raised">
          <SkeletonRows rows={2} label="Reading" />
          <Skeleton className="m-3 w-40" />
        </div>
        <Failure title="The files could not be read" error={FAILURE} onRetry={() => {}} />
        <div className="rounded-md border border-line bg-raised">
          <Empty icon={FolderTree} title="No file yet" action={<Button look="primary">Add documents</Button>}>
            Files appear here as they are found.
          </Empty>
        </div>
        <div className="rounded-md border border-line bg-raised">
          <SignInForm />
        </div>
      </div>
    </Group>
  )
}
