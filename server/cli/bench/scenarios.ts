import type { Account } from './accounts.ts'

export const scenarioNames = ['healthz', 'register', 'login', 'login-refresh', 'me'] as const
export type ScenarioName = (typeof scenarioNames)[number]

/** One kind of request, of which no two are the same but for `healthz`. */
export interface Scenario {
  readonly title: string
  /** The status that is no failure. */
  readonly expected: number
  /** The request line's method and path, further headers, and a body. */
  readonly request: (index: number) => Request
  /** Whether the body of an answer with that status is what was asked for; keeps of it what later scenarios need. */
  readonly accepts: (index: number, body: string) => boolean
}

export interface Request {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly token?: string
  readonly body?: object
}

export interface Supply {
  /** What `register` opens goes in, at the place of its index; the others ask for these in turn. */
  readonly accounts: Account[]
  /** Begins the e-mails that are registered. */
  readonly prefix: string
}

/** What is asked and how the answer is checked. */
export const scenarioOf = (name: ScenarioName, supply: Supply): Scenario => makers[name](supply)

/** Of all accounts that are made. */
export const password = 'supersecretpassword'

const healthz = (): Scenario => ({
  title: 'GET /healthz',
  expected: 200,
  request: () => ({ method: 'GET', path: '/healthz' }),
  accepts: (_index, body) => body.includes('"success":true'),
})

const register = ({ accounts, prefix }: Supply): Scenario => ({
  title: 'POST /api/v1/auth/register',
  expected: 201,
  request: (index) => ({
    method: 'POST',
    path: '/api/v1/auth/register',
    body: { email: emailOf(prefix, index), password, name: `User ${index}` },
  }),
  accepts(index, body) {
    const token = accessTokenOf(body)
    if (token === undefined) return false
    accounts[index] = { Email: emailOf(prefix, index), Password: password, Token: token }
    return true
  },
})

const login = ({ accounts }: Supply): Scenario => ({
  title: 'POST /api/v1/auth/login',
  expected: 200,
  request: (index) => {
    const { Email: email, Password } = inTurn(accounts, index)
    return { method: 'POST', path: '/api/v1/auth/login', body: { email, password: Password } }
  },
  accepts: (_index, body) => accessTokenOf(body) !== undefined,
})

const loginRefresh = (supply: Supply): Scenario => ({
  ...login(supply),
  title: 'POST /api/v1/auth/login, keeping the tokens',
  accepts(index, body) {
    const token = accessTokenOf(body)
    if (token === undefined) return false
    supply.accounts[index % supply.accounts.length] = { ...inTurn(supply.accounts, index), Token: token }
    return true
  },
})

const me = ({ accounts }: Supply): Scenario => ({
  title: 'GET /api/v1/auth/me',
  expected: 200,
  request: (index) => ({ method: 'GET', path: '/api/v1/auth/me', token: inTurn(accounts, index).Token }),
  accepts: (index, body) => body.includes(`"${inTurn(accounts, index).Email.toLowerCase()}"`),
})

const makers: Record<ScenarioName, (supply: Supply) => Scenario> = {
  healthz,
  register,
  login,
  'login-refresh': loginRefresh,
  me,
}

/** An account for each request, and from the first again when there are more requests. */
const inTurn = (accounts: readonly Account[], index: number): Account => {
  const account = accounts[index % accounts.length]
  if (account === undefined) throw new Error('there are no accounts')
  return account
}

export const emailOf = (prefix: string, index: number): string =>
  `${prefix}-${String(index).padStart(10, '0')}@bench.test`

const accessTokenOf = (body: string): string | undefined => {
  try {
    const { data } = JSON.parse(body) as { data?: { tokens?: { access_token?: string } } }
    return data?.tokens?.access_token
  } catch {
    return undefined
  }
}
