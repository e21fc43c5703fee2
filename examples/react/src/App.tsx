import { useMutation, useQuery } from '@tanstack/react-query'
import type { User } from 'tsforge-client'
import { client, meQuery, startAnew } from './api.ts'
import { Happenings } from './Happenings.tsx'
import { Menu } from './Menu.tsx'
import { SignIn } from './SignIn.tsx'
import { sentenceOf } from './sentence.ts'

/** The form, or the page of whoever is signed in: after a reload too, since the session is in the store. */
export const App = () => {
  const { data: user, error, isFetching, refetch } = useQuery(meQuery)
  if (user) return <Home key={user.id} user={user} />
  if (user === null) return <SignIn />
  if (!error) return <p className="card">One moment …</p>
  return (
    <div className="card">
      <p role="alert">{sentenceOf(error)}</p>
      <button type="button" disabled={isFetching} onClick={() => void refetch()}>
        Try again
      </button>
    </div>
  )
}

const Home = ({ user }: { readonly user: User }) => {
  const signOut = useMutation({ mutationFn: () => client.auth.logout(), onSuccess: startAnew })
  return (
    <>
      <header>
        <strong>{user.name}</strong>
        <span>{user.email}</span>
        {signOut.error && <span role="alert">{sentenceOf(signOut.error)}</span>}
        <button type="button" disabled={signOut.isPending} onClick={() => signOut.mutate()}>
          Sign out
        </button>
      </header>
      <main>
        <Menu />
        <Happenings />
      </main>
    </>
  )
}
