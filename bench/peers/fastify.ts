// Fastify with schemas for its own serializer and validator, and nothing that costs and is not needed: no log.
import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import type { Person } from '../../server/context.ts'
import { accountOf } from '../bare/account.ts'
import { health } from './health.ts'
import { address } from './listen.ts'
import { type Credentials, signIn } from './signIn.ts'

declare module 'fastify' {
  interface FastifyRequest {
    account: Person | undefined
  }
}

const text = { type: 'string' }
const moment = { type: 'string', format: 'date-time' }
const all = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})
const enveloped = (data: object) => ({ 200: all({ success: { type: 'boolean' }, data, request_id: text }) })
const role = { type: 'string', enum: ['user', 'admin'] }
const user = all({ id: text, email: text, name: text, role, created_at: moment, updated_at: moment })
const tokens = all({ access_token: text, refresh_token: text, token_type: text, expires_at: moment })
const credentials = all({
  email: { type: 'string', format: 'email', maxLength: 254 },
  password: { type: 'string', minLength: 1, maxLength: 128 },
})

const success = (data: unknown) => ({ success: true, data, request_id: randomUUID() })

const app = Fastify({ logger: false })
app.decorateRequest('account', undefined)

const authenticate = async (request: FastifyRequest, reply: FastifyReply) => {
  request.account = await accountOf(request.headers.authorization)
  if (!request.account) return reply.code(401).send({ success: false })
}

app.get('/healthz', { schema: { response: enveloped(all({ status: text, service: text, version: text })) } }, () =>
  Promise.resolve(success(health)),
)
app.get('/api/v1/auth/me', { schema: { response: enveloped(user) }, onRequest: authenticate }, async ({ account }) =>
  success(account),
)
app.post<{ Body: Credentials }>(
  '/api/v1/auth/login',
  { schema: { body: credentials, response: enveloped(all({ user, tokens })) } },
  async (request, reply) => {
    const { ip, headers } = request
    const signedIn = await signIn(request.body, { ip, userAgent: headers['user-agent'] ?? '' })
    return signedIn ? success(signedIn) : reply.code(401).send({ success: false })
  },
)
await app.listen(address)
