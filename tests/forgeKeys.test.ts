import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseEnv } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../server/config.ts'
import { createSeal } from '../server/platform/seal.ts'
import { createAccessTokens } from '../server/platform/tokens.ts'
import { forge } from './support/forge.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tsforge-keys-'))
})
afterEach(() => rmSync(path.join(folder, 'secrets.json'), { force: true }))
afterAll(() => rmSync(folder, { recursive: true }))

type Environment = Readonly<Record<string, string>>
const own = (): Environment => ({ NODE_ENV: 'development', DATA_DIR: folder })
const old = 'the old signing secret of 32 bytes or more'
const given = (more: Environment = {}): Environment => ({ ...own(), JWT_SECRET: old, ...more })

/** Tokens and kept answers as a server with these variables makes and reads them. */
const serverOf = async (environment: Environment) => {
  const { auth } = loadConfig(environment, folder)
  const secrets = [auth.jwtSecret ?? '', ...auth.previousSecrets] as [string, ...string[]]
  const tokens = await createAccessTokens({
    secret: auth.jwtSecret,
    previousSecrets: auth.previousSecrets,
    keys: auth.jwtKeys ?? [],
    issuer: auth.issuer,
    audience: auth.audience,
    ttlSeconds: 900,
    now: () => new Date(),
  })
  return { tokens, seal: createSeal(secrets, 'replay'), auth }
}
const claims = { userId: '0190b0a0-0000-7000-8000-000000000001', sessionId: '0190b0a0-0000-7000-8000-000000000002' }

describe('keys rotate with the secret of DATA_DIR', () => {
  it('puts a new one before it, and what the former made stays good', async () => {
    const before = await serverOf(own())
    const { token } = await before.tokens.issue(claims)
    const sealed = before.seal.close('an answer')
    const { code, out } = await forge(['keys', 'rotate'], own())
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/the first signs, 1 other verifies\. Start the server again/),
    ])
    expect(out).not.toContain(before.auth.jwtSecret)
    const after = await serverOf(own())
    expect(after.auth.jwtSecret).not.toBe(before.auth.jwtSecret)
    expect(await after.tokens.verify(token)).toMatchObject(claims)
    expect(after.seal.open(sealed)).toBe('an answer')
    expect(await before.tokens.verify((await after.tokens.issue(claims)).token)).toBeUndefined()
    expect(statSync(path.join(folder, 'secrets.json')).mode & 0o777).toBe(0o600)
  })

  it('loses none of two that run at once, and forgets those beyond --keep', async () => {
    const first = (await serverOf(own())).auth.jwtSecret
    const runs = await Promise.all([1, 2].map(() => forge(['keys', 'rotate', '--json'], own())))
    expect(runs.map(({ out }) => JSON.parse(out).verifying).sort()).toEqual([1, 2])
    expect((await serverOf(own())).auth.previousSecrets).toContain(first)
    await forge(['keys', 'rotate', '--keep', '1'], own())
    expect((await serverOf(own())).auth.previousSecrets).toHaveLength(1)
  })

  it('prepares one that verifies everywhere before it signs', async () => {
    const before = await serverOf(own())
    await forge(['keys', 'rotate', '--prepare'], own())
    const prepared = await serverOf(own())
    expect(prepared.auth.jwtSecret).toBe(before.auth.jwtSecret)
    await forge(['keys', 'rotate', '--use-prepared'], own())
    const after = await serverOf(own())
    expect(await prepared.tokens.verify((await after.tokens.issue(claims)).token)).toMatchObject(claims)
    expect(await after.tokens.verify((await prepared.tokens.issue(claims)).token)).toMatchObject(claims)
  })
})

describe('keys rotate with variables', () => {
  it('prints lines that a server reads, with the former secrets behind', async () => {
    const before = await serverOf(given({ JWT_PREVIOUS_SECRETS: `${old} older` }))
    const { code, out } = await forge(['keys', 'rotate'], given({ JWT_PREVIOUS_SECRETS: `${old} older` }))
    const after = await serverOf({ ...own(), ...(parseEnv(out) as Environment) })
    expect(code).toBe(0)
    expect(after.auth.previousSecrets).toEqual([old, `${old} older`])
    expect(after.auth.jwtSecret).not.toBe(old)
    expect(await after.tokens.verify((await before.tokens.issue(claims)).token)).toMatchObject(claims)
  })

  it('makes a key of the same kind for JWT_KEYS, before the one that signed', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const keys = JSON.stringify({ keys: [{ ...privateKey.export({ format: 'jwk' }), kid: "it's old" }] })
    const before = await serverOf(given({ JWT_KEYS: keys }))
    const { out } = await forge(['keys', 'rotate', '--json'], given({ JWT_KEYS: keys }))
    const after = await serverOf(given(JSON.parse(out).variables))
    expect(after.auth.jwtKeys?.map(({ alg }) => alg)).toEqual(['ES256', 'ES256'])
    expect(after.auth.jwtKeys?.[1]?.kid).toBe("it's old")
    expect(await after.tokens.verify((await before.tokens.issue(claims)).token)).toMatchObject(claims)
  })

  it('writes them to a new file for its owner alone, and prints none', async () => {
    const out = path.join(folder, 'new.env')
    const run = await forge(['keys', 'rotate', '--out', out], given())
    expect([run.code, statSync(out).mode & 0o777]).toEqual([0, 0o600])
    const written = parseEnv(readFileSync(out, 'utf8'))
    expect(written.JWT_PREVIOUS_SECRETS).toBe(old)
    expect(run.out + run.err).not.toContain(written.JWT_SECRET)
    expect(run.out + run.err).not.toContain(old)
    const again = await forge(['keys', 'rotate', '--out', out], given())
    expect([again.code, again.err]).toEqual([1, `Nothing was done: ${out} is there already; name another file.\n`])
    expect(parseEnv(readFileSync(out, 'utf8'))).toEqual(written)
  })

  it('takes a secret from .env, and says so of one that cannot stay', async () => {
    writeFileSync(path.join(folder, '.env'), `JWT_SECRET="${old}, with a comma"\n`)
    const run = await forge(['keys', 'rotate'], own(), { directory: folder })
    rmSync(path.join(folder, '.env'))
    expect([run.code, run.out]).toEqual([1, ''])
    expect(run.err).toMatch(/^The present secret holds a comma .* set JWT_SECRET to the output of/)
  })

  it.each([
    [['--keep', '0'], /--keep is a number from 1 to 99/],
    [['--prepare', '--use-prepared'], /two steps, one a run/],
  ])('is misused by %j', async (options, sentence) => {
    const run = await forge(['keys', 'rotate', ...options], given())
    expect([run.code, run.out, run.err]).toEqual([2, '', expect.stringMatching(sentence)])
  })

  it('has nothing to use that was not prepared', async () => {
    const run = await forge(['keys', 'rotate', '--use-prepared'], given())
    expect([run.code, run.err]).toEqual([
      1,
      expect.stringMatching(/^Nothing is prepared: run keys rotate --prepare first/),
    ])
  })
})
