import { Button, Switch, useStored } from '@holdfast/ui'
import { Bell } from 'lucide-react'
import { useState } from 'react'
import { permission } from './permission.ts'

/** On the page of settings: whether the end of what is watched is told on the desktop. */
export default function NotificationSettings() {
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
