import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { uuidv7 } from 'uuidv7'
import { withConnection } from '../db/oneConnection.ts'
import { hashAt, type SignedIn, storeSignedIn } from '../server/cli/bench/signedIn.ts'
import { createAccessTokens } from '../server/platform/tokens.ts'

/** What a password hash costs. */
export interface Cost {
  readonly memoryKib: number
  readonly iterations: number
  readonly parallelism: number
}

/** A cost to be measured. */
interface MeasuredCost extends Cost {
  readonly connections: number
  /** So that some of the slowest answers come. */
  readonly leastSeconds: number
  /** Peers are left out where a handful of logins a second would be compared. */
  readonly isBesidePeers: boolean
}

/** What tsforge does unasked, the least that OWASP accepts, and a hash so cheap that the rest of a login shows. */
export const costs: readonly MeasuredCost[] = [
  { memoryKib: 65536, iterations: 3, parallelism: 2, connections: 8, leastSeconds: 8, isBesidePeers: false },
  { memoryKib: 19456, iterations: 2, parallelism: 1, connections: 48, leastSeconds: 6, isBesidePeers: true },
  { memoryKib: 1024, iterations: 1, parallelism: 1, connections: 48, leastSeconds: 1, isBesidePeers: true },
]

export const secret = 'a signing secret for measuring, 32 bytes or more'
const password = 'correct horse battery'

/** Enough that nobody's budget of 600 reads a minute runs out, and that reads made together are of different rows. */
const peopleCount = 3_000
/** Clients that sign in: each has a budget of 30 tries a minute. */
const addressCount = 5_000

export interface Person extends SignedIn {
  readonly token: string
}

/** Files that requests.lua reads its requests from. */
export interface Feeds {
  readonly signedIn: string
  /** One for each of the costs. */
  readonly logins: readonly string[]
  /** Authorization headers that are no good: of a forged token, and of a session that is not there. */
  readonly refused: readonly string[]
}

/** Writes accounts that are signed in, an equal part with each password hash, and the requests that they make. */
export const makePeople = async (ownerUrl: string, folder: string): Promise<Feeds> => {
  const hashes = await Promise.all(costs.map((cost) => hashAt(password, { ...cost, concurrency: 1, queueLength: 1 })))
  const people = await newPeople(peopleCount, hashes)
  await storePeople(ownerUrl, people)
  const [stranger] = await newPeople(1, hashes)
  return {
    signedIn: writeSignedIn(path.join(folder, 'signedIn'), people),
    logins: hashes.map((hash, index) => feed(path.join(folder, `logins-${index}`), logins(people, hash))),
    refused: [forged(people[0]), stranger].map((person) => `Bearer ${person?.token}`),
  }
}

/** With another signature: that of somebody else. */
const forged = (person: Person | undefined) => person && { token: person.token.replace(/[^.]+$/, 'A'.repeat(43)) }

/** Each of the hashes goes to an equal part of them. */
export const newPeople = async (count: number, hashes: readonly string[]): Promise<Person[]> => {
  const tokens = await newTokens()
  const make = async (index: number): Promise<Person> => {
    const [id, sessionId] = [uuidv7(), uuidv7()]
    const { token } = await tokens.issue({ userId: id, sessionId })
    const passwordHash = hashes[index % hashes.length] ?? ''
    return { id, sessionId, email: `person-${index}@example.org`, passwordHash, token }
  }
  return Promise.all(Array.from({ length: count }, (_, index) => make(index)))
}

const newTokens = () =>
  createAccessTokens({
    ...{ secret, previousSecrets: [], keys: [], ttlSeconds: 3_600 },
    ...{ issuer: 'tsforge', audience: 'tsforge', now: () => new Date() },
  })

/** They are in the tables afterwards, and PostgreSQL knows how many they are. */
export const storePeople = async (ownerUrl: string, people: readonly Person[]): Promise<void> => {
  await storeSignedIn(ownerUrl, people)
  await withConnection(ownerUrl, (client) => client.query('vacuum analyze'))
}

type Line = readonly [header: string, value: string, body: string]

const logins = (people: readonly Person[], hash: string): Line[] => {
  const some = people.filter(({ passwordHash }) => passwordHash === hash)
  return Array.from({ length: addressCount }, (_, index) => {
    const email = some[index % some.length]?.email
    return ['X-Forwarded-For', `10.0.${index >> 8}.${index & 255}`, JSON.stringify({ email, password })]
  })
}

/** Requests of people who are signed in. Returns the file. */
export const writeSignedIn = (file: string, people: readonly Person[]): string =>
  feed(
    file,
    people.map(({ token }) => ['Authorization', `Bearer ${token}`, '']),
  )

const feed = (file: string, lines: readonly Line[]): string => {
  writeFileSync(file, lines.map((fields) => `${fields.join('\t')}\n`).join(''))
  return file
}
