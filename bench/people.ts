import { createHash } from 'node:crypto'
import { SignJWT } from 'jose'
import { uuidv7 } from 'uuidv7'
import { createPasswordHasher } from '../server/platform/hashing/index.ts'
import { costs } from './costs.ts'

export const secret = 'a signing secret for measuring, 32 bytes or more'
export const password = 'correct horse battery'

/** Enough that nobody's budget of 600 reads a minute runs out, and that reads made together are of different rows. */
const peopleCount = 2_000

export interface Person {
  readonly id: string
  readonly sessionId: string
  readonly email: string
  readonly passwordHash: string
  readonly token: string
}

/** Accounts that are signed in: the first half with the cheap password hash, the others with the accepted one. */
export const makePeople = async (): Promise<readonly Person[]> => {
  const [cheap, accepted] = [await hashAt(costs.cheap), await hashAt(costs.accepted)]
  const people = Array.from({ length: peopleCount }, async (_, index) => {
    const id = uuidv7()
    const sessionId = uuidv7()
    const passwordHash = index < peopleCount / 2 ? cheap : accepted
    return { id, sessionId, email: `person-${index}@example.org`, passwordHash, token: await tokenOf(id, sessionId) }
  })
  return Promise.all(people)
}

/** One hash stands for all: salt and password do not change what it costs. */
const hashAt = async (cost: (typeof costs)[keyof typeof costs]): Promise<string> => {
  const hasher = await createPasswordHasher({ ...cost, concurrency: 1, queueLength: 1 })
  try {
    return await hasher.hash(password)
  } finally {
    await hasher.close()
  }
}

const tokenOf = (userId: string, sessionId: string): Promise<string> =>
  new SignJWT({ sid: sessionId })
    .setProtectedHeader({ alg: 'HS256', kid: keyId, typ: 'at+jwt' })
    .setIssuer('tsforge')
    .setAudience('tsforge')
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime('1 hour')
    .sign(Buffer.from(secret))

/** The name that the server gives to its shared secret. */
const keyId = createHash('sha256').update(`kid:${secret}`).digest('hex').slice(0, 16)
