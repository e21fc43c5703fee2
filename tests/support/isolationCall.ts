import type { Entry } from '../../contract/define.ts'
import type { TestApp } from './app.ts'
import { textOf } from './request.ts'

export const transports = ['rest', 'trpc'] as const
export type Transport = (typeof transports)[number]

export interface Answer {
  readonly status: number
  readonly code: string | undefined
  /** Everything that came back, headers and body. */
  readonly bytes: string
  /** The body but for what differs from call to call. */
  readonly body: string
}

/** One call of an entry. */
export interface Request {
  readonly tenant: string | undefined
  readonly input: Readonly<Record<string, unknown>>
}

interface Message {
  readonly request: Request
  readonly token: string
  /** REST unless told otherwise. */
  readonly transport?: Transport
}

/** Calls any entry of the contract with any input. */
export const callEntry = (app: TestApp, [key, entry]: [string, Entry], message: Message): Promise<Answer> =>
  message.transport === 'trpc' ? sendTrpc(app, [key, entry], message) : sendRest(app, entry, message)

const sendRest = async (
  app: TestApp,
  { http: [method, path] }: Entry,
  { request, token }: Message,
): Promise<Answer> => {
  const rest = { ...request.input }
  const target = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(rest[name])
    delete rest[name]
    return encodeURIComponent(value)
  })
  const inQuery = method === 'GET' || method === 'DELETE'
  const pairs = Object.entries(rest).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  )
  const headers = request.tenant === undefined ? {} : { 'x-tenant-id': request.tenant }
  const reply = await app.request(method, inQuery ? `${target}?${new URLSearchParams(pairs)}` : target, {
    token,
    headers,
    ...(inQuery ? {} : { body: rest }),
  })
  return toAnswer({ ...reply, code: reply.body?.error?.code })
}

const sendTrpc = async (app: TestApp, [key, entry]: [string, Entry], { request, token }: Message): Promise<Answer> => {
  const isQuery = entry.kind !== 'mutation'
  const input = entry.input ? JSON.stringify(request.input) : undefined
  const search = isQuery && input !== undefined ? `?input=${encodeURIComponent(input)}` : ''
  const reply = await fetch(`${app.url}/trpc/${key}${search}`, {
    method: isQuery ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(isQuery ? {} : { 'content-type': 'application/json' }),
      ...(request.tenant === undefined ? {} : { 'x-tenant-id': request.tenant }),
    },
    ...(isQuery || input === undefined ? {} : { body: input }),
  })
  const text = await textOf(reply)
  if (entry.kind === 'subscription') return toAnswer(refusalIn({ status: reply.status, headers: reply.headers, text }))
  const body = JSON.parse(text) as { error?: { data?: { failure?: { code?: string } } } }
  return toAnswer({ status: reply.status, headers: reply.headers, text, code: body.error?.data?.failure?.code })
}

/** A stream tells of its refusal in an event, under the status 200. */
const refusalIn = (reply: Omit<Raw, 'code'>): Raw => {
  const sent = /^event: serialized-error\n(?:.*\n)*?data: (.*)$/m.exec(reply.text)?.[1]
  if (sent === undefined) return { ...reply, code: undefined }
  const { data } = JSON.parse(sent) as { data: { httpStatus: number; failure: { code: string } } }
  return { ...reply, status: data.httpStatus, code: data.failure.code }
}

interface Raw {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly code: string | undefined
}

const toAnswer = ({ status, headers, text, code }: Raw): Answer => ({
  status,
  code,
  bytes: `${JSON.stringify([...headers])}\n${text}`,
  body: text.replace(/"request_id":"[^"]*"/g, '"request_id":""'),
})
