import { useNavigate, useSearch } from '@tanstack/react-router'

/** The queue whose entries are shown, and the way to choose one; it stands in the address. */
export function useQueuesRoute() {
  const { queue } = useSearch({ strict: false }) as { queue?: string }
  const navigate = useNavigate()
  const choose = (name: string | undefined) =>
    void navigate({ to: '/work/queues', search: name === undefined ? {} : { queue: name }, resetScroll: false })
  return { queue: queue || undefined, choose }
}
