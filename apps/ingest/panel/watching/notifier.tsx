import { claimOnce } from '@holdfast/client'
import { Button, Switch, useStored } from '@holdfast/ui'
import { useNavigate } from '@tanstack/react-router'
import { Bell } from 'lucide-react'
import { useState } from 'react'
import { formatCount } from '../../view.ts'
import { useOnEnd } from './unseen.ts'
import { useWatched, type WatchedNow } from './watching.tsx'

/** A tab that is looked at takes the word for itself before one that is not can pass it on, ms. */
const HIDDEN_WAITS_MS = 300

/** Tells the end of what is watched on the desktop, once however many tabs are open, where somebody asked for it. */
export function Notifier() {
  const entries = useWatched()
  const navigate = useNavigate()
  const [wanted] = useStored('notify')
  useOnEnd(entries, (entry) => {
    if (wanted !== 'yes' || permission() !== 'granted') return
    const open = () =>
      void navigate({
        to: '/projects/$projectId',
        params: { projectId: entry.projectId },
        search: { ingestion: entry.ingestionId },
      })
    setTimeout(() => void notify(entry, open), document.hidden ? HIDDEN_WAITS_MS : 0)
  })
  return null
}

async function notify(entry: WatchedNow, open: () => void): Promise<void> {
  const isMine = await claimOnce(`notify ${entry.ingestionId}`)
  // Where the page is looked at it says so itself.
  if (!isMine || !document.hidden) return
  const { title, body } = wordsOf(entry)
  const notification = new Notification(title, { body, tag: entry.ingestionId, icon: '/favicon.svg' })
  notification.onclick = () => {
    window.focus()
    open()
    notification.close()
  }
}

function wordsOf({ name, outcome }: WatchedNow): { title: string; body: string } {
  const { status = 'done', files = 0, failed = 0 } = outcome ?? {}
  const count = `${formatCount(files)} ${files === 1 ? 'file' : 'files'}`
  if (status === 'failed') return { title: `${name} failed`, body: 'Open it to see why and to try again.' }
  if (status === 'cancelled') return { title: `${name} was cancelled`, body: 'What was done stays searchable.' }
  return {
    title: `${name} is done`,
    body: failed > 0 ? `${count}, ${formatCount(failed)} failed.` : `${count}, none failed.`,
  }
}

function permission(): NotificationPermission | 'missing' {
  return 'Notification' in window ? Notification.permission : 'missing'
}

/** On the page of settings: whether the end of what is watched is told on the desktop. */
export function NotificationSettings() {
  const [wanted, want] = useStored('notify')
  const [allowed, setAllowed] = useState(permission)
  const turn = async (isOn: boolean) => {
    if (!isOn) return want(null)
    // Asked for here and nowhere else: a person has just pressed for it.
    const answer = allowed === 'default' ? await Notification.requestPermission() : allowed
    setAllowed(answer)
    if (answer === 'granted') want('yes')
  }
  const isOn = wanted === 'yes' && allowed === 'granted'
  return (
    <section className="rounded-md border border-line bg-raised" data-testid="notification-settings">
      <h2 className="border-b border-line px-cell-x py-2 font-medium">Notifications</h2>
      <div className="flex flex-col gap-3 px-cell-x py-3">
        <Switch
          label="Tell me when a watched ingestion ends"
          hint={HINTS[allowed]}
          checked={isOn}
          onChange={(next) => void turn(next)}
          disabled={allowed === 'missing' || allowed === 'denied'}
        />
        {isOn && (
          <Button small icon={Bell} className="self-start" onClick={tryOut}>
            Show one now
          </Button>
        )}
      </div>
    </section>
  )
}

const HINTS = {
  default: 'A notification of this device, while the page is open but not in view. The browser asks you once.',
  granted: 'A notification of this device, while the page is open but not in view.',
  denied: 'This browser does not allow notifications of this page. Allow them in its settings for this site first.',
  missing: 'This browser has no notifications.',
} as const

function tryOut(): void {
  new Notification('Holdfast', {
    body: 'So the end of an ingestion will be told.',
    tag: 'holdfast-try',
    icon: '/favicon.svg',
  })
}
