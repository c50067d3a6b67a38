import { Button, Field } from '@holdfast/ui'
import { KeyRound } from 'lucide-react'
import { type FormEvent, useEffect, useState } from 'react'
import { rememberPlace } from '../session.ts'
import { Logo } from './logo.tsx'

/** The page of somebody who is not signed in, or was signed out meanwhile. */
export function SignIn({ wasSignedIn }: { wasSignedIn: boolean }) {
  useEffect(() => {
    document.title = 'Sign in · Holdfast'
  }, [])
  return (
    <main className="flex min-h-dvh items-center justify-center" data-testid="sign-in">
      <SignInForm wasSignedIn={wasSignedIn} />
    </main>
  )
}

/** Says where the operator's link is, and takes its token. */
export function SignInForm({ wasSignedIn = false }: { wasSignedIn?: boolean }) {
  const [token, setToken] = useState('')
  const wasRefused = new URLSearchParams(location.search).get('login') === 'refused'
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (token.trim() === '') return
    rememberPlace()
    location.assign(`/login?token=${encodeURIComponent(tokenOf(token.trim()))}`)
  }
  return (
    <section className="mx-auto flex w-full max-w-96 flex-col gap-4 px-4 py-12">
      <Logo size={28} />
      <div>
        <h1 className="text-title font-bold">{wasSignedIn ? 'You were signed out' : 'You are not signed in'}</h1>
        {wasSignedIn && (
          <p className="mt-1 text-ink-2">
            The session has run out, or it was ended in another browser. Work that is going on is not touched, and
            signing in leads back to where you were.
          </p>
        )}
        <p className="mt-1 text-ink-2">
          Open the link that the server printed in its terminal when it started. It signs this browser in. The link is
          gone? The server prints it again at every start.
        </p>
      </div>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <Field
          label="Or paste the link or its token"
          value={token}
          onChange={(event) => setToken(event.target.value)}
          icon={KeyRound}
          type="password"
          autoComplete="off"
          problem={wasRefused ? 'That token is not the one of this server.' : undefined}
        />
        <Button look="primary" type="submit" disabled={token.trim() === ''}>
          Sign in
        </Button>
      </form>
    </section>
  )
}

/** The token in what was pasted: a whole link, or the token itself. */
function tokenOf(text: string): string {
  return URL.parse(text)?.searchParams.get('token') ?? text
}
