import { useStreamClient } from '@holdfast/react'
import { useReport } from '@holdfast/ui'

/** Ends this browser's session, or every session of whoever is signed in; the page then asks to sign in. */
export function useSignOut(): (isEverywhere: boolean) => Promise<void> {
  const client = useStreamClient()
  const report = useReport()
  return async (isEverywhere) => {
    try {
      await client.request(`/logout${isEverywhere ? '?everywhere=true' : ''}`, { method: 'POST' })
      location.assign('/')
    } catch (error) {
      report('You could not be signed out', error)
    }
  }
}
