// node:http by hand: a path is compared, an answer is a string.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { z } from 'zod'
import { User } from '../../contract/user.ts'
import { accountOf } from '../bare/account.ts'
import { health } from './health.ts'
import { address } from './listen.ts'

const output = z.compile(User)

const send = (response: ServerResponse, status: number, body: object) => {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

const me = async (request: IncomingMessage, response: ServerResponse) => {
  const account = await accountOf(request.headers.authorization)
  if (!account) return send(response, 401, { success: false })
  send(response, 200, { success: true, data: output.parse(account), request_id: randomUUID() })
}

const server = createServer((request, response) => {
  if (request.url === '/healthz') return send(response, 200, { success: true, data: health, request_id: randomUUID() })
  if (request.url === '/api/v1/auth/me') return void me(request, response)
  send(response, 404, { success: false })
})
server.listen(address)
