// GET /api/v1/auth/me by hand: the account behind the token, the contract's output schema.
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { User } from '../../contract/user.ts'
import { accountOf } from './account.ts'
import { json, type Request, type Response, serveBare } from './serve.ts'

const output = z.compile(User)

const answer = async (authorization: string): Promise<[status: string, body: string]> => {
  const account = await accountOf(authorization)
  if (!account) return ['401 Unauthorized', '{}']
  const data = JSON.stringify(output.parse(account))
  return ['200 OK', `{"success":true,"data":${data},"request_id":"${randomUUID()}"}`]
}

const serve = (response: Response, request: Request) => {
  let isGone = false
  response.onAborted(() => {
    isGone = true
  })
  void answer(request.getHeader('authorization')).then(([status, body]) => {
    if (isGone) return
    response.cork(() => {
      response.writeStatus(status).writeHeader('content-type', json).end(body)
    })
  })
}

serveBare('/api/v1/auth/me', serve)
