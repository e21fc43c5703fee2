import { readFileSync } from 'node:fs'
import type { Load } from './load.ts'
import type { Server } from './servers.ts'

/** Answers that come to the same are the ground of every comparison: throws where one server says less than another. */
export const checkSame = async (load: Load, servers: readonly Server[]): Promise<void> => {
  const answers = await Promise.all(servers.map((server) => ask(server, load)))
  answers.forEach(({ status, fields }, index) => {
    const who = `${servers[index]?.name} at ${load.path}`
    if (status !== 200) throw new Error(`${who} answers ${status}`)
    if (fields !== answers[0]?.fields) throw new Error(`${who} has ${fields}, not ${answers[0]?.fields}`)
  })
}

/** Throws unless two servers send headers of the same names and values, the request id's value aside. */
export const checkSameHeaders = async (load: Load, one: Server, other: Server): Promise<void> => {
  const [first, second] = [await ask(one, load), await ask(other, load)]
  if (first.headers === second.headers) return
  throw new Error(`${one.name} sends ${first.headers}, ${other.name} ${second.headers}`)
}

const ask = async (server: Server, load: Load) => {
  const reply = await fetch(server.url + load.path, { method: load.method, ...firstRequest(load) })
  const told = [...reply.headers].filter(([name]) => name !== 'date')
  return {
    status: reply.status,
    fields: fieldsOf(await reply.json()).join(' '),
    headers: told.map(([name, value]) => (name === 'x-request-id' ? name : `${name}: ${value}`)).join(', '),
  }
}

/** The first request of a feed; see requests.lua. */
const firstRequest = ({ feed }: Load): RequestInit => {
  if (feed === undefined) return {}
  const [name = '', value = '', body = ''] = readFileSync(feed, 'utf8').split('\n', 1)[0]?.split('\t') ?? []
  if (body === '') return { headers: { [name]: value } }
  return { headers: { [name]: value, 'content-type': 'application/json' }, body }
}

/** The path and type of every field. */
const fieldsOf = (value: unknown, at = ''): string[] => {
  if (typeof value !== 'object' || value === null) return [`${at}:${typeof value}`]
  return Object.entries(value)
    .flatMap(([name, inner]) => fieldsOf(inner, `${at}.${name}`))
    .sort()
}
