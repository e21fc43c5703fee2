import { existsSync, readFileSync } from 'node:fs'
import type { Config, Setting } from '../../config.ts'
import { secretsFileIn } from '../../platform/configuration/developmentSecret.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

/** What is random has about as many characters as an alphabet; a sentence or a repetition has fewer. */
const fewCharacters = 12
const leastTokenBytes = 16
const random = 'make one with `openssl rand -base64 48`'

/** What signs, and what operators show. Nothing of a secret is in what is found. */
export const checkSecrets = (config: Config, settings: readonly Setting[]): Finding[] => [
  checkSigning(config, settings),
  checkAdminToken(config),
]

const checkSigning = ({ auth, dataDir, environment }: Config, settings: readonly Setting[]): Finding => {
  const { jwtKeys, jwtSecret = '', previousSecrets } = auth
  if (jwtKeys !== undefined) {
    return ok('signing', `JWT_KEYS with ${jwtKeys.length} ${jwtKeys.length === 1 ? 'key' : 'keys'}`)
  }
  const isOwn = settings.some(({ name, source }) => name === 'JWT_SECRET' && source === 'unset')
  const found = `${isOwn ? `the secret of ${secretsFileIn(dataDir)}` : 'JWT_SECRET'}, ${Buffer.byteLength(jwtSecret)} bytes, ${previousSecrets.length} previous`
  if (environment === 'production' && isDevelopmentSecret(jwtSecret, dataDir)) {
    return failed(
      'signing',
      `JWT_SECRET is the secret made for development in ${dataDir}`,
      `${random} and set it as JWT_SECRET`,
    )
  }
  if (new Set(jwtSecret).size < fewCharacters)
    return warning('signing', `${found}, easy to guess`, `${random}; \`forge keys rotate\` puts it in place`)
  return ok('signing', found)
}

const isDevelopmentSecret = (secret: string, dataDir: string): boolean => {
  const file = secretsFileIn(dataDir)
  return existsSync(file) && readFileSync(file, 'utf8').includes(JSON.stringify(secret))
}

const checkAdminToken = ({ adminToken, environment }: Config): Finding => {
  if (adminToken === undefined) {
    const found = 'ADMIN_TOKEN is not set: /admin answers this machine alone'
    return environment === 'production'
      ? warning('admin', found, 'set ADMIN_TOKEN, so that metrics can be fetched from elsewhere')
      : ok('admin', found)
  }
  const bytes = Buffer.byteLength(adminToken)
  return bytes < leastTokenBytes
    ? warning('admin', `ADMIN_TOKEN has ${bytes} bytes`, random)
    : ok('admin', `ADMIN_TOKEN, ${bytes} bytes`)
}
