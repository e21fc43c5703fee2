import { QueryClient, queryOptions } from '@tanstack/react-query'
import { type ClientFailure, createClient, isFailure, localStorageStore } from 'tsforge-client'

declare module '@tanstack/react-query' {
  interface Register {
    /** Calls reject with nothing else. */
    defaultError: ClientFailure
  }
}

/** The client has done the retrying, so TanStack need not. */
export const queries = new QueryClient({ defaultOptions: { queries: { retry: false }, mutations: { retry: false } } })

/** Forgets what was read for the person before and reads anew, first of all who it is now. */
export const startAnew = () => void queries.resetQueries()

export const client = createClient({
  url: import.meta.env.VITE_API_URL ?? '',
  tenantId: () => import.meta.env.VITE_TENANT_ID,
  session: localStorageStore('tsforge-session'),
  onSignedOut: startAnew,
})

/** Who is signed in; null for nobody. */
export const meQuery = queryOptions({
  queryKey: ['auth', 'me'],
  queryFn: ({ signal }) =>
    client.auth.me(undefined, { signal }).catch((failure: unknown) => {
      if (isFailure(failure) && failure.status === 401) return null
      throw failure
    }),
})

export const menuQuery = queryOptions({
  queryKey: ['menus', 'mine'],
  queryFn: ({ signal }) => client.menus.mine(undefined, { signal }),
})
