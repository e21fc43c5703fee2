// tRPC's standalone adapter. Its answers stand in tRPC's own envelope.
import type { IncomingMessage } from 'node:http'
import { initTRPC, TRPCError } from '@trpc/server'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { z } from 'zod'
import { User } from '../../contract/user.ts'
import { accountOf } from '../bare/account.ts'
import { health } from './health.ts'
import { address } from './listen.ts'

const { router, procedure } = initTRPC.context<{ request: IncomingMessage }>().create()

const signedIn = procedure.use(async ({ ctx, next }) => {
  const account = await accountOf(ctx.request.headers.authorization)
  if (!account) throw new TRPCError({ code: 'UNAUTHORIZED' })
  return next({ ctx: { account } })
})

const Health = z.object({ status: z.literal('ok'), service: z.string(), version: z.string() })

const app = router({
  health: procedure.output(z.compile(Health)).query(() => health),
  auth: router({ me: signedIn.output(z.compile(User)).query(({ ctx }) => ctx.account) }),
})

createHTTPServer({
  router: app,
  basePath: '/trpc/',
  createContext: ({ req: request }) => ({ request }),
}).listen(address)
