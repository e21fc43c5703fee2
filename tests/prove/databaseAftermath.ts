import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { withConnection } from '../../db/oneConnection.ts'
import type { ProofCluster } from './databaseCluster.ts'
import { password, type Traffic } from './databaseTraffic.ts'
import type { Proof } from './harness.ts'

const signInsAtOnce = 16
const accountsLeast = 100
/** The reads of the gates that run at once; see coalesce. */
const gateReads = 2
const lockPatienceMs = 2_500
const pollMs = 10

/** Looks in the tables for everything that was acknowledged, and for anything that was done twice. */
export async function checkKept(
  proof: Proof,
  { ownerUrl }: ProofCluster,
  { people }: Pick<Traffic, 'people'>,
): Promise<void> {
  const acknowledged = people.filter(({ id }) => id !== undefined)
  const rows = await withConnection(ownerUrl, async (owner) => (await owner.query<Row>(accounts)).rows)
  const found = new Map(rows.map((row) => [row.email, row]))
  const missing = acknowledged.filter(({ email, id }) => found.get(email)?.id !== id)
  const wrong = acknowledged.filter(({ email, logins }) => found.get(email)?.sessions !== 1 + logins)
  const signIns = acknowledged.reduce((total, { logins }) => total + logins, 0)
  proof.check(`of ${acknowledged.length} acknowledged accounts none is missing`, missing.length === 0, missing.length)
  proof.check(
    `each of ${people.length + signIns} keys had one effect: an account, or a session of a sign-in`,
    wrong.length === 0 && rows.length === people.length,
    { otherNumberOfSessions: wrong.length, accounts: rows.length },
  )
  proof.atLeast('accounts opened under load', acknowledged.length, accountsLeast)
}

interface Row {
  readonly id: string
  readonly email: string
  readonly sessions: number
}

const accounts = `
  select users.id, email, count(sessions.id)::int as sessions
  from users left join sessions on user_id = users.id
  where email like '%@example.org' group by users.id`

/** Everybody whose account was acknowledged signs in once more. */
export async function checkSignIns(proof: Proof, { people, send }: Traffic): Promise<void> {
  const waiting = people.filter(({ id }) => id !== undefined)
  const all = waiting.length
  let signedIn = 0
  const signIn = async () => {
    for (let person = waiting.pop(); person; person = waiting.pop()) {
      const body = { email: person.email, password }
      const answer = await send('login afterwards', { method: 'POST', path: '/auth/login', body })
      if (answer?.status === 200) signedIn++
      proof.progress(`${signedIn}/${all} signed in`)
    }
  }
  await Promise.all(Array.from({ length: signInsAtOnce }, signIn))
  proof.check(`each of them can sign in: ${signedIn}`, signedIn === all, `${signedIn} of ${all}`)
}

interface Pools {
  readonly cluster: ProofCluster
  readonly traffic: Traffic
  /** What the server may open for its handlers. */
  readonly connections: number
}

/**
 * Shows that every connection of the pools can be had: a lock on sessions keeps all of them busy at the same time. A
 * pool with a connection that was taken and never given back gets there with fewer.
 */
export async function checkFree(proof: Proof, { cluster, traffic, connections }: Pools): Promise<void> {
  await withConnection(cluster.ownerUrl, async (owner) => {
    await owner.query('begin; lock table sessions in access exclusive mode')
    const token = traffic.people.find(({ id }) => id !== undefined)?.token ?? ''
    const signUps = Array.from({ length: connections }, () => {
      const body = { email: `${randomUUID()}@example.org`, password, name: 'Ada' }
      return traffic.send('register afterwards', { method: 'POST', path: '/auth/register', body })
    })
    const handlers = await waitingFor(owner, 'app', connections)
    // One by one: those that come together would share a read.
    const reads: ReturnType<Traffic['send']>[] = []
    let gates = 0
    while (reads.length < gateReads) {
      reads.push(traffic.send('me afterwards', { method: 'GET', path: '/auth/me', token }))
      gates = await waitingFor(owner, 'gate', reads.length)
    }
    await owner.query('rollback')
    const statuses = (await Promise.all([...signUps, ...reads])).map((answer) => answer?.status)
    proof.check(`all ${connections} connections of the handlers can be had at once`, handlers === connections, handlers)
    proof.check(`the ${gateReads} reads of the gates can run at once`, gates === gateReads, gates)
    proof.check(
      'and all of that is answered',
      statuses.every((status) => status === 200 || status === 201),
      statuses,
    )
  })
}

/** How many connections of a role wait for the lock, as soon as they are `count`, else after a while. */
async function waitingFor(owner: Client, role: string, count: number): Promise<number> {
  const deadline = performance.now() + lockPatienceMs
  for (;;) {
    const { rows } = await owner.query<{ count: number }>(waiting, [role])
    const found = rows[0]?.count ?? 0
    if (found >= count || performance.now() > deadline) return found
    await sleep(pollMs)
  }
}

const waiting = `
  select count(distinct pid)::int from pg_locks join pg_stat_activity using (pid)
  where not granted and relation = 'sessions'::regclass and usename = $1`
