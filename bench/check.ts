import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { type Load, pathAt } from './load.ts'
import type { Server } from './servers.ts'

/**
 * Answers that come to the same are the ground of every comparison: throws where the fields of one server's data have
 * other names or types than those of the first; with `andValues` also where they have other values. What stands
 * around the data is compared among those who call the path by the same name.
 */
export const checkSame = async (load: Load, servers: readonly Server[], { andValues = true } = {}): Promise<void> => {
  const [first, ...others] = await Promise.all(servers.map((server) => ask(server, load)))
  if (!first) return
  for (const answer of [first, ...others]) {
    const who = `${answer.who} at ${load.path}`
    if (answer.status !== 200) throw new Error(`${who} answers ${answer.status}`)
    const part = answer.path === first.path ? 'body' : 'data'
    const [found, wanted] = [fieldsOf(answer[part]), fieldsOf(first[part])]
    if (!isDeepStrictEqual(found, wanted)) throw new Error(`${who} has ${found}, not ${wanted}`)
    if (andValues && !isDeepStrictEqual(answer.data, first.data))
      throw new Error(`${who} says ${JSON.stringify(answer.data)}, not ${JSON.stringify(first.data)}`)
  }
}

/** Throws unless each server answers each of these Authorization headers with 401: who does not look is fast. */
export const checkRefusals = async (load: Load, servers: readonly Server[], refused: readonly string[]) => {
  for (const server of servers) {
    for (const authorization of refused) {
      const { status } = await fetch(server.url + pathAt(server, load), { headers: { authorization } })
      if (status !== 401) throw new Error(`${server.name} answers ${status} to a token that is not good`)
    }
  }
}

/** Throws unless two servers send headers of the same names and values, the request id's value aside. */
export const checkSameHeaders = async (load: Load, one: Server, other: Server): Promise<void> => {
  const [first, second] = [await ask(one, load), await ask(other, load)]
  if (first.headers === second.headers) return
  throw new Error(`${one.name} sends ${first.headers}, ${other.name} ${second.headers}`)
}

const ask = async (server: Server, load: Load) => {
  const path = pathAt(server, load)
  const reply = await fetch(server.url + path, { method: load.method, ...firstRequest(load) })
  const told = [...reply.headers].filter(([name]) => name !== 'date')
  const body = (await reply.json()) as { data?: unknown; result?: { data?: unknown } }
  return {
    who: server.name,
    path,
    status: reply.status,
    body,
    /** tRPC's envelope has it one level down. */
    data: body.data ?? body.result?.data,
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
