// oRPC's OpenAPI handler on node:http.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { OpenAPIHandler } from '@orpc/openapi/node'
import { ORPCError, os } from '@orpc/server'
import { z } from 'zod'
import { User } from '../../contract/user.ts'
import { accountOf } from '../bare/account.ts'
import { health } from './health.ts'
import { address } from './listen.ts'

const base = os.$context<{ headers: IncomingHttpHeaders }>()

const signedIn = base.use(async ({ context, next }) => {
  const account = await accountOf(context.headers.authorization)
  if (!account) throw new ORPCError('UNAUTHORIZED')
  return next({ context: { account } })
})

const enveloped = <Data extends z.ZodType>(data: Data) =>
  z.compile(z.object({ success: z.literal(true), data, request_id: z.string() }))
const Health = z.object({ status: z.literal('ok'), service: z.string(), version: z.string() })

const handler = new OpenAPIHandler({
  health: base
    .route({ method: 'GET', path: '/healthz' })
    .output(enveloped(Health))
    .handler(() => ({ success: true, data: health, request_id: randomUUID() })),
  me: signedIn
    .route({ method: 'GET', path: '/api/v1/auth/me' })
    .output(enveloped(User))
    .handler(({ context }) => ({ success: true, data: context.account, request_id: randomUUID() })),
})

const server = createServer(async (request, response) => {
  const { matched } = await handler.handle(request, response, { context: { headers: request.headers } })
  if (!matched) response.writeHead(404).end()
})
server.listen(address)
