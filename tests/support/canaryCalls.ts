import type { Entry } from '../../contract/define.ts'
import type { TestApp } from './app.ts'
import { type Filled, fillHeaders, tracesIn } from './canaries.ts'
import { type Transport, transports } from './isolationCall.ts'

/** All that was sent, and all that came back or was left behind. */
export interface Ledger {
  /** Everything that must stand in no log line and no refusal. */
  readonly sent: Set<string>
  /** Of it what must stand in no row either. */
  readonly secrets: Set<string>
  /** What was found in rows. */
  readonly stored: Set<string>
  /** Refusals that repeat what was sent. */
  readonly echoes: string[]
  /** How each entry was answered: `auth.login 401`. */
  readonly answers: Set<string>
}

export const openLedger = (): Ledger => ({
  sent: new Set(),
  secrets: new Set(),
  stored: new Set(),
  echoes: [],
  answers: new Set(),
})

export interface Message extends Filled {
  readonly token?: string | undefined
  readonly tenant?: string | undefined
  /** A body in place of the input, as it is. */
  readonly raw?: string
}

interface Sent {
  readonly method: string
  readonly target: string
  readonly body: string | undefined
}

/** Sends a message to an entry over both transports, and notes what came of it. */
export const sendAll = async (app: TestApp, ledger: Ledger, entry: [string, Entry], message: Message) => {
  const statuses: number[] = []
  for (const transport of transports) statuses.push(await send(app, ledger, entry, { ...message, transport }))
  return statuses
}

const send = async (
  app: TestApp,
  ledger: Ledger,
  entry: [string, Entry],
  message: Message & { readonly transport: Transport },
): Promise<number> => {
  const head = fillHeaders()
  const canaries = [...message.canaries, ...head.canaries]
  for (const text of canaries) ledger.sent.add(text)
  for (const text of [...message.secrets, ...head.secrets]) ledger.secrets.add(text)
  const { method, target, body } = message.transport === 'rest' ? restOf(entry[1], message) : trpcOf(entry, message)
  const reply = await app.request(method, target, {
    ...(message.token === undefined ? {} : { token: message.token }),
    headers: { ...head.headers, ...(message.tenant === undefined ? {} : { 'x-tenant-id': message.tenant }) },
    ...(body === undefined ? {} : { body }),
  })
  ledger.answers.add(`${entry[0]} ${reply.status}`)
  const found = reply.status < 400 ? [] : echoed(reply.text, canaries)
  ledger.echoes.push(
    ...found.map((text) => `${entry[0]} (${message.transport}) ${reply.status}: ${text} in ${reply.text}`),
  )
  return reply.status
}

/** Scopes that somebody may not hand out are named to them, since they asked for a list of them. */
const echoed = (text: string, canaries: readonly string[]): string[] => {
  const traces = tracesIn(text.replace(/"permissions":\[[^\]]*\]/g, ''))
  return canaries.filter((canary) => traces.has(canary))
}

const inUrl = (value: unknown) => encodeURIComponent(String(value).toWellFormed())

const restOf = ({ http: [method, path] }: Entry, { input, raw }: Message): Sent => {
  const rest = { ...input }
  const target = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = rest[name]
    delete rest[name]
    return inUrl(value)
  })
  if (method !== 'GET' && method !== 'DELETE') return { method, target, body: raw ?? JSON.stringify(rest) }
  const pairs = Object.entries(rest).map(
    ([name, value]) => `${name}=${inUrl(typeof value === 'object' ? JSON.stringify(value) : value)}`,
  )
  return { method, target: `${target}?${pairs.join('&')}`, body: undefined }
}

const trpcOf = ([key, { kind }]: [string, Entry], { input, raw }: Message): Sent => {
  const text = raw ?? JSON.stringify(input)
  if (kind === 'mutation') return { method: 'POST', target: `/trpc/${key}`, body: text }
  return { method: 'GET', target: `/trpc/${key}?input=${inUrl(text)}`, body: undefined }
}

/** Everything that the rows of all tables hold, as text, with their bytes beside it. */
export const dump = async ({ sql }: TestApp): Promise<string> => {
  const tables = await sql(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema', 'saved')",
  )
  const texts: string[] = []
  for (const { name } of tables)
    for (const { text } of await sql(`select t::text as text from ${name} t`)) texts.push(String(text))
  const all = texts.join('\n')
  const bytes = [...all.matchAll(/\\x([0-9a-f]+)/g)].map(([, hex = '']) => Buffer.from(hex, 'hex').toString('latin1'))
  return [all, ...bytes].join('\n')
}

/** Notes what the rows hold now. */
export const noteRows = async (app: TestApp, ledger: Ledger): Promise<void> => {
  for (const trace of tracesIn(await dump(app))) ledger.stored.add(trace)
}

/** What of the ledger stands in the log. */
export const loggedOf = ({ logged }: TestApp, { sent }: Ledger): string[] =>
  logged.flatMap((line) =>
    [...tracesIn(line)]
      .filter((trace) => sent.has(trace) || trace.startsWith('canary'))
      .map((trace) => `${trace} in ${line}`),
  )
