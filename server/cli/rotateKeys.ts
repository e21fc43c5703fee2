import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { withFileLock } from '../../db/embedded/fileLock.ts'
import type { Config, JwtKey, Setting } from '../config.ts'
import {
  newSigningSecret,
  secretsFileIn,
  writeDevelopmentSecrets,
} from '../platform/configuration/developmentSecret.ts'
import { ForgeError } from './forgeError.ts'

/** `now`: a new one signs at once. `prepare`: it only verifies. `use`: the prepared one signs. */
export type Step = 'now' | 'prepare' | 'use'

export interface Asked {
  readonly step: Step
  /** So many that no longer sign stay. */
  readonly keep: number
}

/** What was done, or is to be done by whoever sets the variables. */
export type Rotation =
  | { readonly kind: 'file'; readonly file: string; readonly verifying: number }
  | { readonly kind: 'variables'; readonly variables: Readonly<Record<string, string>>; readonly verifying: number }

/**
 * Rotates what signs: the secrets of DATA_DIR in place, else by saying what the variables are to hold. What signed
 * before still verifies, and still opens kept answers. Throws ForgeError when that cannot be.
 */
export const rotateKeys = async (config: Config, settings: readonly Setting[], asked: Asked): Promise<Rotation> => {
  const { jwtKeys, jwtSecret, previousSecrets } = config.auth
  if (jwtKeys !== undefined) return rotateKeySet(jwtKeys, asked)
  const isOwn = settings.some(({ name, source }) => name === 'JWT_SECRET' && source === 'unset')
  if (isOwn) return withFileLock(join(config.dataDir, 'secrets.lock'), async () => rotateFile(config.dataDir, asked))
  const [secret = '', ...previous] = turn([jwtSecret ?? '', ...previousSecrets], asked, newSigningSecret)
  const broken = previous.some((old) => old.includes(',') || old.trim() !== old)
  if (broken) throw new ForgeError(cannotStay)
  const variables = { JWT_SECRET: secret, JWT_PREVIOUS_SECRETS: previous.join(',') }
  return { kind: 'variables', variables, verifying: previous.length }
}

const rotateFile = (dataDir: string, asked: Asked): Rotation => {
  const verifying = writeDevelopmentSecrets(dataDir, (secrets) => turn(secrets, asked, newSigningSecret)).length - 1
  return { kind: 'file', file: secretsFileIn(dataDir), verifying }
}

/** The first key with a private part signs, wherever it stands; the order of the others has no meaning. */
const rotateKeySet = (keys: readonly JwtKey[], asked: Asked): Rotation => {
  const signer = keys.find(({ d }) => d !== undefined)
  if (!signer) throw new Error('no key can sign')
  const others = keys.filter((key) => key !== signer)
  if (asked.step === 'use' && others[0]?.d === undefined) throw new ForgeError(nothingPrepared)
  const turned = turn([signer, ...others], asked, () => newKey(signer.kty))
  return { kind: 'variables', variables: { JWT_KEYS: JSON.stringify({ keys: turned }) }, verifying: turned.length - 1 }
}

/** A ring of which the first signs. */
const turn = <T>([signer, ...others]: readonly T[], { step, keep }: Asked, make: () => T): T[] => {
  const [prepared, ...rest] = others
  if (step === 'use' && prepared === undefined) throw new ForgeError(nothingPrepared)
  const ring = {
    now: () => [make(), signer, ...others],
    prepare: () => [signer, make(), ...others],
    use: () => [prepared, signer, ...rest],
  }
  return (ring[step]() as T[]).slice(0, 1 + keep)
}

const newKey = (kty: JwtKey['kty']): JwtKey => {
  const { privateKey } =
    kty === 'OKP' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = randomBytes(8).toString('hex')
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: kty === 'OKP' ? 'EdDSA' : 'ES256' } as JwtKey
}

/** The variables as lines of a `.env` file, which a shell reads the same. Throws ForgeError for what no quotes hold. */
export const linesOf = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, text]) => {
      const line = [text, `'${text}'`, `"${text}"`]
        .map((value) => `${name}=${value}`)
        .find((draft) => reads(draft, name, text))
      if (line === undefined) throw new ForgeError(`${name} cannot be written as a line: ${byHand}`)
      return `${line}\n`
    })
    .join('')

const reads = (line: string, name: string, text: string) =>
  parseEnv(line)[name] === text && (/^[\w./+=:@,-]*$/.test(text) || line !== `${name}=${text}`)

const byHand = 'take a plain one with `openssl rand -base64 48`, and put it before those that are set.'
const cannotStay = `The present secret holds a comma or space, so JWT_PREVIOUS_SECRETS cannot: set JWT_SECRET to the output of \`openssl rand -base64 48\`. Access tokens then end at once; sessions go on by their refresh tokens.`
const nothingPrepared = 'Nothing is prepared: run keys rotate --prepare first, and set what it prints on all servers.'
