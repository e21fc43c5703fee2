// What a stranger writes against the installed package. Text, because here no package of that name is installed.
import { clientName } from './compile.ts'

/** Compiles as it stands: each line under @ts-expect-error must be refused. */
export const program = `import { createTRPCClient, httpBatchLink } from '@trpc/client'
import {
  type Client,
  createClient,
  type ErrorCode,
  type Inputs,
  isFailure,
  type MenuNode,
  type Outputs,
  type Router,
  type StreamEvent,
  type User,
} from '${clientName}'

const deepest = (nodes: readonly MenuNode[]): number => Math.max(0, ...nodes.map((node) => 1 + deepest(node.children)))

export const code: ErrorCode = 'user.email_taken'
export const limits: Inputs['sessions']['list'] = { limit: 10 }

export const run = async (url: string, account: Inputs['auth']['register']) => {
  const client: Client = createClient({ url })
  const { user }: { user: User } = await client.auth.register(account)
  const me: Outputs['auth']['me'] = await client.auth.me()
  const [list, menu] = await Promise.all([client.sessions.list(limits), client.menus.mine()])
  const taken = await client.auth.register(account).catch((error: unknown) => {
    if (isFailure(error, 'user.email_taken')) return { code: error.code satisfies 'user.email_taken', status: error.status }
    throw error
  })
  const invalid = await client.auth.register({ ...account, email: 'x' }).catch((error: unknown) => {
    if (isFailure(error, 'validation')) return error.fields
    throw error
  })
  const { tokens } = await client.auth.login(account)
  const trpc = createTRPCClient<Router>({
    links: [httpBatchLink({ url: url + '/trpc', headers: { authorization: 'Bearer ' + tokens.access_token } })],
  })
  const plain: string = (await trpc.auth.me.query()).email
  return { user, me, sessions: list.items.length, depth: deepest(menu), taken, invalid, plain }
}

export const follow = async (client: Client, signal: AbortSignal) => {
  const labels: string[] = []
  const all: StreamEvent[] = []
  for await (const event of client.events.stream({ topics: ['menu.created'] }, { signal, lastEventId: 'a.1' })) {
    all.push(event)
    if (event.topic === 'menu.created') labels.push(event.payload.label)
    if (event.topic === 'gap') labels.push(event.from)
  }
  return { labels, all }
}

export const refused = (client: Client, error: unknown) => {
  // @ts-expect-error a field of the wrong type
  client.auth.login({ email: 1, password: 'x' })
  // @ts-expect-error a field is missing
  client.auth.login({ email: 'a@example.org' })
  // @ts-expect-error a field that the entry does not take
  client.auth.login({ email: 'a@example.org', password: 'x', name: 'y' })
  // @ts-expect-error no input at all
  client.auth.login()
  // @ts-expect-error an entry that does not exist
  client.auth.nothing()
  // @ts-expect-error a feature that does not exist
  client.nothing.me()
  // @ts-expect-error an input where none is taken
  client.auth.me({ limit: 1 })
  // @ts-expect-error a code that is not in the contract
  isFailure(error, 'user.nothing')
  // @ts-expect-error a topic that does not exist
  client.events.stream({ topics: ['menu.nothing'] })
  // @ts-expect-error an option of calls alone
  client.events.stream({}, { idempotencyKey: 'x' })
  // @ts-expect-error a field that the answer does not have
  client.auth.me().then((user) => user.password_hash)
  // @ts-expect-error an option that does not exist
  client.auth.me(undefined, { timeout: 5 })
  // @ts-expect-error an answer is not any
  client.auth.me().then((user) => user.created_at satisfies number)
  // @ts-expect-error a mutation of plain tRPC has no query
  createTRPCClient<Router>({ links: [] }).auth.login.query
}
`

/** Prints what the program found. */
export const runner = `import { run } from './program.js'
const [url, email] = process.argv.slice(2)
console.log(JSON.stringify(await run(url, { email, password: 'correct horse battery', name: 'Ada' })))
`

/** Puts the client at the disposal of a page. `isAlone` leaves the lock among the tabs of a store out. */
export const page = `import { createClient, isFailure, localStorageStore } from '${clientName}'
const { lockName, ...unlocked } = localStorageStore('session')
globalThis.openClient = (url, isAlone) => {
  globalThis.client = createClient({ url, session: isAlone ? unlocked : localStorageStore('session') })
}
globalThis.codeOf = (call) => call.then(() => 'none', (error) => (isFailure(error) ? error.code : String(error)))
`

/** How the program is compiled: as strict as it gets, declarations of packages included. */
export const settings = (lib: readonly string[], module: 'nodenext' | 'preserve') => ({
  compilerOptions: {
    target: 'ES2022',
    lib,
    module,
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
  },
  files: ['program.ts'],
})
