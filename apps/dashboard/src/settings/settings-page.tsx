import { useStreamClient } from '@holdfast/react'
import { Button, Choice, Dialog, DialogActions, usePage } from '@holdfast/ui'
import { useQuery } from '@tanstack/react-query'
import { LogOut, Monitor, Moon, Rows3, Rows4, Sun } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { type Density, type Theme, useDensity, useTheme } from '../appearance.ts'
import { panels } from '../panels.ts'
import { About } from './about.tsx'
import { useSignOut } from './sign-out.ts'

/** What can be set for this browser, its session, and what is running. */
export default function SettingsPage() {
  usePage({ title: 'Settings' })
  return (
    <div className="max-w-160">
      <h1 className="mb-4 text-title font-bold">Settings</h1>
      <div className="flex flex-col gap-block">
        <Appearance />
        {panels.map(({ settings: Settings }, index) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: the panels are a constant list
          Settings ? <Settings key={index} /> : null,
        )}
        <Session />
        <About />
      </div>
    </div>
  )
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="rounded-md border border-line bg-raised">
      <h2 className="border-b border-line px-cell-x py-2 font-medium">{title}</h2>
      <div className="flex flex-col divide-y divide-line">{children}</div>
    </section>
  )
}

function Line({ title, hint, children }: { title: string; hint: string; children: ReactNode }) {
  return (
    <div className="flex flex-wrap items-center gap-x-6 gap-y-2 px-cell-x py-3">
      <div className="min-w-0 flex-1 basis-56">
        <p className="font-medium">{title}</p>
        <p className="text-dense text-ink-2">{hint}</p>
      </div>
      {children}
    </div>
  )
}

function Appearance() {
  const [theme, chooseTheme] = useTheme()
  const [density, chooseDensity] = useDensity()
  return (
    <Part title="Appearance">
      <Line title="Theme" hint="Kept on this device, the same in all of its tabs.">
        <Choice<Theme>
          label="Theme"
          value={theme}
          onChange={chooseTheme}
          options={[
            { name: 'system', title: <Option icon={<Monitor size={14} />} word="System" /> },
            { name: 'light', title: <Option icon={<Sun size={14} />} word="Light" /> },
            { name: 'dark', title: <Option icon={<Moon size={14} />} word="Dark" /> },
          ]}
        />
      </Line>
      <Line title="Density" hint="How much room rows and paddings take. Under a thumb nothing becomes smaller.">
        <Choice<Density>
          label="Density"
          value={density}
          onChange={chooseDensity}
          options={[
            { name: 'comfortable', title: <Option icon={<Rows3 size={14} />} word="Comfortable" /> },
            { name: 'compact', title: <Option icon={<Rows4 size={14} />} word="Compact" /> },
          ]}
        />
      </Line>
    </Part>
  )
}

function Option({ icon, word }: { icon: ReactNode; word: string }) {
  return (
    <>
      <span aria-hidden="true">{icon}</span>
      {word}
    </>
  )
}

function Session() {
  const client = useStreamClient()
  const me = useQuery({
    queryKey: ['me'],
    queryFn: () => client.me(),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const signOut = useSignOut()
  const [isAsking, setAsking] = useState(false)
  return (
    <Part title="Session">
      <Line title="This browser" hint={me.data ? `Signed in as ${me.data.id}.` : 'Signed in.'}>
        <Button icon={LogOut} onClick={() => void signOut(false)} data-testid="sign-out">
          Sign out
        </Button>
      </Line>
      <Line title="All browsers" hint="Ends every session, also those you cannot reach any more.">
        <Button onClick={() => setAsking(true)} data-testid="sign-out-everywhere">
          Sign out everywhere
        </Button>
      </Line>
      <Dialog
        open={isAsking}
        onOpenChange={setAsking}
        title="Sign out everywhere?"
        description="Every browser with a session, this one too, has to open the operator's link again. Work that is going on is not touched."
      >
        <DialogActions>
          <Button onClick={() => setAsking(false)}>Stay signed in</Button>
          <Button look="danger" onClick={() => void signOut(true)} data-testid="confirm-sign-out-everywhere">
            Sign out everywhere
          </Button>
        </DialogActions>
      </Dialog>
    </Part>
  )
}
