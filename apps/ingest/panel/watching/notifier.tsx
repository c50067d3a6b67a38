import { claimOnce } from '@holdfast/client'
import { useStored } from '@holdfast/ui'
import { useNavigate } from '@tanstack/react-router'
import { formatCount } from '../../view.ts'
import { permission } from './permission.ts'
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
