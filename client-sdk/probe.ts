import { createTRPCClient, httpLink, safe } from '@trpc/client'
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server'
import type { Router } from './router.ts'
const c = createTRPCClient<Router>({ links: [httpLink({ url: 'x' })] })
const me = await c.auth.me.query()
const n: string = me.email
const out = await c.auth.logout.mutate()
type X = typeof out
const t: X = undefined
const l = await c.sessions.list.query({})
const s: string | null = l.next_cursor
const cr: string | undefined = l.items[0]?.created_at
// @ts-expect-error
await c.auth.login.mutate({ email: 1 })
const [d, e] = await safe(c.auth.login.mutate({ email: '', password: '' }))
if (e) { const k = e.data?.failure.code; if (k === 'user.invalid_credentials') console.log(k) 
 // @ts-expect-error
 if (k === 'nope') console.log() }
else console.log(d.tokens.access_token)
type In = inferRouterInputs<Router>['sessions']['list']
const i: In = { limit: 5 }
type Out = inferRouterOutputs<Router>['auth']['logout']
export { n, t, s, cr, i }
export type { Out }
