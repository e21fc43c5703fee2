// Hono on @hono/node-server: a middleware authenticates, zod makes what leaves.
import { randomUUID } from 'node:crypto'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { z } from 'zod'
import { User } from '../../contract/user.ts'
import type { Person } from '../../server/context.ts'
import { accountOf } from '../bare/account.ts'
import { health } from './health.ts'
import { address } from './listen.ts'

const output = z.compile(User)

const authenticate = createMiddleware<{ Variables: { account: Person } }>(async (context, next) => {
  const account = await accountOf(context.req.header('authorization'))
  if (!account) return context.json({ success: false }, 401)
  context.set('account', account)
  return next()
})

const app = new Hono()
app.get('/healthz', (context) => context.json({ success: true, data: health, request_id: randomUUID() }))
app.get('/api/v1/auth/me', authenticate, (context) =>
  context.json({ success: true, data: output.parse(context.get('account')), request_id: randomUUID() }),
)
serve({ fetch: app.fetch, hostname: address.host, port: address.port })
