import type { Entry } from '../../contract/define.ts'
import type { TestApp } from './app.ts'
import { type Answer, transports as allTransports, callEntry, type Request, type Transport } from './isolationCall.ts'
import { choicesOf, ownRequest, type Probe, probesOf, tracesOf } from './isolationInputs.ts'
import type { World } from './isolationWorld.ts'

export interface WalkOptions {
  readonly entries: ReadonlyMap<string, Entry>
  /** Without: only what leaks or changes rows counts, not how a call is refused. */
  readonly withRefusals: boolean
  readonly transports?: readonly Transport[]
  /** Of the manager of A: their session unless told otherwise. */
  readonly token?: string
  readonly stopAtFirst?: boolean
  /** How calls within A were answered before: filled in where it is empty, compared with where it is not. */
  readonly before?: Map<string, string>
  /** Told of each entry when all its calls were made. */
  readonly onDone?: (key: string) => void
}

export interface Walk {
  readonly calls: number
  readonly findings: readonly string[]
  /** Entries that nothing was sent to. */
  readonly skipped: readonly string[]
}

/** Calls every entry as the manager of A with what belongs to B, and reports whatever gets through. */
export const walk = async (app: TestApp, world: World, options: WalkOptions): Promise<Walk> => {
  const untouched = await world.digest('elsewhere')
  const findings: string[] = []
  const skipped: string[] = []
  let calls = 0
  for (const [key, entry] of options.entries) {
    let probes: Probe[]
    try {
      probes = probesOf(entry, world, await cursorOfB(app, world, [key, entry]))
    } catch (error) {
      findings.push(`${key}: ${error instanceof Error ? error.message : error}`)
      skipped.push(key)
      continue
    }
    if (probes.length === 0) skipped.push(key)
    const judge = createJudge({ app, world, entry, options, untouched })
    for (const transport of options.transports ?? allTransports) {
      const own = await judge.control(key, transport)
      findings.push(...own.map((finding) => `${key} (${transport}): ${finding}`))
      for (const probe of probes) {
        if (options.stopAtFirst && findings.length > 0) return { calls, findings, skipped }
        calls += 2
        const found = await judge.probe(key, transport, probe)
        findings.push(...found.map((finding) => `${key} (${transport}; ${probe.label}): ${finding}`))
      }
    }
    options.onDone?.(key)
  }
  return { calls, findings, skipped }
}

/** A position in B's own list, as its manager is given it. Undefined for entries that are no lists, or that no manager of a tenant may ask. */
const cursorOfB = async (app: TestApp, { b }: World, [key, entry]: [string, Entry]): Promise<string | undefined> => {
  if (!isList(entry) || entry.tenancy === 'global') return undefined
  const reply = await callEntry(app, [key, entry], { request: ownRequest(entry, b, { limit: 1 }), token: b.token })
  const cursor = (JSON.parse(reply.body) as { data?: { next_cursor?: string | null } }).data?.next_cursor
  if (!cursor) throw new Error(`B's list is too short to give a cursor: ${reply.body}`)
  return cursor
}

interface Scene {
  readonly app: TestApp
  readonly world: World
  readonly entry: Entry
  readonly options: WalkOptions
  /** The digest of what calls in A must leave as it is. */
  readonly untouched: string
}

/** Codes that say the call was turned away before its ids were looked at. */
const unreached = new Set(['validation', 'request.malformed', 'internal', 'auth.invalid', 'unavailable'])

const createJudge = ({ app, world, entry, untouched, options: { withRefusals, token, before = new Map() } }: Scene) => {
  const send = (key: string, transport: Transport, request: Request): Promise<Answer> =>
    callEntry(app, [key, entry], { request, token: token ?? world.a.token, transport })

  /** Leaks in the answer and the log, and changes in B. */
  const call = async (key: string, transport: Transport, request: Request) => {
    const logBegin = app.logged.length
    const answer = await send(key, transport, request)
    const leaks = tracesOf(answer.bytes, world, request).map((trace) => `the answer ${answer.status} holds ${trace}`)
    const lines = app.logged.slice(logBegin).join('\n')
    leaks.push(...tracesOf(lines, world, request).map((trace) => `the log holds ${trace}`))
    const isChanged = (await world.digest('elsewhere')) !== untouched
    if (isChanged) leaks.push(`rows of another tenant changed (${answer.status})`)
    if (isChanged || (entry.kind === 'mutation' && answer.status < 300)) await world.restore()
    return { answer, leaks }
  }

  /** A list in each of its orders: its first page, and the one behind that. */
  const inEveryOrder = async (key: string): Promise<Request[]> => {
    const sorts = entry.input?.shape.sort === undefined ? [] : choicesOf(entry.input.shape.sort)
    const requests: Request[] = []
    for (const sort of sorts) {
      const first = ownRequest(entry, world.a, { sort, limit: 1 })
      const { body } = await send(key, 'rest', first)
      const { next_cursor: cursor } = (JSON.parse(body) as { data?: { next_cursor?: string } }).data ?? {}
      requests.push(first, ...(cursor ? [ownRequest(entry, world.a, { sort, limit: 1, cursor })] : []))
    }
    return requests
  }

  return {
    /** A query that asks for nothing foreign succeeds, so refusals are not due to a broken call; and it shows no B. */
    async control(key: string, transport: Transport): Promise<string[]> {
      const more = entry.input && 'total' in entry.input.shape ? { total: true } : {}
      const { answer, leaks } = await call(key, transport, ownRequest(entry, world.a, more))
      for (const request of await inEveryOrder(key)) leaks.push(...(await call(key, transport, request)).leaks)
      const seen = entry.kind === 'query' ? answer.body : `${answer.status} ${answer.code}`
      const expected = before.get(`${key} ${transport}`) ?? seen
      before.set(`${key} ${transport}`, expected)
      const faults = [
        ...(entry.kind === 'query' && answer.status !== ownStatus(entry)
          ? [`an own call is answered ${answer.body}`]
          : []),
        ...(seen !== expected ? [`an own call is answered ${seen} instead of ${expected}`] : []),
      ]
      return withRefusals ? [...leaks, ...faults] : leaks
    },
    async probe(key: string, transport: Transport, probe: Probe): Promise<string[]> {
      const { answer, leaks } = await call(key, transport, probe.request)
      if (!withRefusals || !probe.twin) return leaks
      const twin = await send(key, transport, probe.twin)
      if (entry.kind === 'mutation' && twin.status < 300) await world.restore()
      return [...leaks, ...refusalFaults(entry, probe, { answer, twin })]
    },
  }
}

/** What all tenants share is not shown to who holds a permission in one of them alone. */
const ownStatus = ({ tenancy }: Entry) => (tenancy === 'global' ? 403 : 200)

const refusalFaults = (entry: Entry, probe: Probe, { answer, twin }: { answer: Answer; twin: Answer }): string[] => {
  const faults: string[] = []
  const isFree = entry.access === 'public' || sharesItsList(entry, probe)
  if (answer.status !== twin.status || answer.code !== twin.code) {
    if (!isFree) faults.push(`answered ${answer.status} ${answer.code}, an unknown one ${twin.status} ${twin.code}`)
  } else if (answer.status >= 400 && answer.body !== twin.body) {
    faults.push(`answered ${answer.body}, an unknown one ${twin.body}`)
  }
  if (probe.mustRefuse && answer.status < 400) {
    if (!probe.mayFindNothing) faults.push(`something foreign was accepted: ${answer.status}`)
    else if (answer.body !== twin.body) faults.push(`answered ${answer.body}, for an unknown one ${twin.body}`)
  }
  if (probe.isBare && unreached.has(answer.code ?? '') && entry.access !== 'public') {
    faults.push(`the call did not get as far as its ids: ${answer.body}`)
  }
  return faults
}

const isList = ({ input }: Entry) => input !== undefined && 'cursor' in input.shape

/** A list of what all tenants share is one list, so its cursors are good for everybody who may read it. */
const sharesItsList = ({ tenancy, access }: Entry, { request }: Probe) =>
  tenancy === 'none' && access !== 'session' && access !== 'user' && 'cursor' in request.input
