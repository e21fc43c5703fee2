// GET /healthz with nothing around it. HEADERS=all sends the very bytes that tsforge sends, else the body and its type.
import { randomUUID } from 'node:crypto'
import { securityHeaders } from '../../server/http/headers.ts'
import { version } from '../../server/version.ts'
import { json, type Response, serveBare } from './serve.ts'

const bodyOf = (id: string) =>
  `{"success":true,"data":${JSON.stringify({ status: 'ok', service: 'tsforge', version })},"request_id":"${id}"}`

const sendAll = (response: Response) => {
  const id = randomUUID()
  response.writeStatus('200 OK')
  for (const name in securityHeaders) response.writeHeader(name, securityHeaders[name] ?? '')
  response.writeHeader('x-request-id', id).writeHeader('content-type', json).end(bodyOf(id))
}

const sendLeast = (response: Response) => {
  response.writeHeader('content-type', json).end(bodyOf(randomUUID()))
}

serveBare('/healthz', process.env.HEADERS === 'all' ? sendAll : sendLeast)
