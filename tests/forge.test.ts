import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runForge } from '../server/cli/forge.ts'
import { loadSettings, readConfig } from '../server/config.ts'
import { createPasswordHasher } from '../server/platform/hashing/index.ts'
import { version } from '../server/version.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { withClient } from './support/testServer.ts'

const password = 'correct horse battery'
const cheapHashing = { ARGON2_MEMORY_KIB: '256', ARGON2_ITERATIONS: '1', ARGON2_PARALLELISM: '1' }

interface Run {
  readonly typed?: string | Buffer
  readonly isTTY?: boolean
  readonly environment?: Readonly<Record<string, string>>
}

describe('forge', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase()
  })
  afterAll(() => database.drop())

  const forge = async (args: readonly string[], { typed = `${password}\n`, isTTY, environment }: Run = {}) => {
    const [printed, complained]: [string[], string[]] = [[], []]
    const { ownerUrl, appUrl } = database
    const code = await runForge(args, {
      input: Object.assign(Readable.from([Buffer.from(typed)]), isTTY === undefined ? {} : { isTTY }),
      print: (text) => void printed.push(text),
      complain: (text) => void complained.push(text),
      loadSettings: () => loadSettings({}),
      loadConfig: () =>
        readConfig(
          {
            NODE_ENV: 'test',
            DATABASE_URL: appUrl,
            DATABASE_MIGRATE_URL: ownerUrl,
            ...cheapHashing,
            ...environment,
          },
          () => 'a signing secret for tests, 32 bytes or more',
        ),
    })
    return { code, out: printed.join(''), err: complained.join('') }
  }
  const sql = (text: string, values?: unknown[]) =>
    withClient(database.ownerUrl, async (client) => (await client.query(text, values)).rows)
  const accounts = (email: string) =>
    sql(
      `select users.*, (
         select count(*)::int from user_roles join roles on roles.id = role_id
         where user_id = users.id and user_roles.tenant_id is null and roles.code = 'admin' and roles.is_system
       ) as grants from users where email = $1`,
      [email],
    )
  const address = () => `${randomUUID()}@example.org`
  const create = (email: string, ...more: string[]) => ['admin', 'create', '--email', email, ...more]
  const insertUser = async (email: string) => {
    await sql(`insert into users (id, email, password_hash, name) values ($1, $2, 'none', 'Grace')`, [
      randomUUID(),
      email,
    ])
  }

  describe('admin create', () => {
    it('makes an account that signs in with the password, and grants it the role everywhere', async () => {
      const email = address()
      const run = await forge(create(email.toUpperCase(), '--name', ' Ada Lovelace ', '--password-stdin'))
      expect(run).toEqual({ code: 0, out: `The account ${email} is made, and it is an administrator.\n`, err: '' })
      const [{ password_hash, ...account }] = await accounts(email)
      expect(account).toMatchObject({ email, name: 'Ada Lovelace', grants: 1, disabled_at: null })
      const hasher = await createPasswordHasher({
        memoryKib: 256,
        iterations: 1,
        parallelism: 1,
        concurrency: 1,
        queueLength: 1,
      })
      expect(await hasher.verify(password, password_hash)).toEqual({ matches: true, needsRehash: false })
      await hasher.close()
    })

    it('prints JSON for programs, without the password or its hash, and names the person by the e-mail', async () => {
      const { code, out, err } = await forge(create('grace.hopper@example.org', '--password-stdin', '--json'))
      expect([code, err]).toEqual([0, ''])
      expect(JSON.parse(out)).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        email: 'grace.hopper@example.org',
        name: 'grace.hopper',
        created: true,
        granted: true,
      })
    })

    it.each([
      ['no line break', password],
      ['CR LF', `${password}\r\n`],
      ['more lines', `${password}\nanother line\n`],
    ])('reads the first line of standard input: %s', async (_name, typed) => {
      const email = address()
      expect((await forge(create(email, '--password-stdin'), { typed })).code).toBe(0)
      const hasher = await createPasswordHasher({
        memoryKib: 256,
        iterations: 1,
        parallelism: 1,
        concurrency: 1,
        queueLength: 1,
      })
      const [{ password_hash }] = await accounts(email)
      expect((await hasher.verify(password, password_hash)).matches).toBe(true)
      await hasher.close()
    })

    it('makes one account and one grant of two that run at once, and the other says so', async () => {
      const email = address()
      const args = create(email, '--password-stdin')
      const runs = await Promise.all([forge(args), forge(args), forge(args)])
      expect(runs.map(({ code }) => code).sort()).toEqual([0, 1, 1])
      const losers = runs.filter(({ code }) => code === 1)
      for (const { err, out } of losers) {
        expect([err, out]).toEqual([`${email} is an administrator already: sign in.\n`, ''])
      }
      expect(await accounts(email)).toMatchObject([{ grants: 1 }])
    })

    it('grants once when two that run at once promote, and both are done', async () => {
      const email = address()
      const args = create(email, '--password-stdin', '--promote', '--json')
      const runs = await Promise.all([forge(args), forge(args), forge(args)])
      expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
      const made = runs.map(({ out }) => JSON.parse(out))
      expect(made.filter(({ created }) => created)).toHaveLength(1)
      expect(made.filter(({ granted }) => granted)).toHaveLength(1)
      expect(await accounts(email)).toMatchObject([{ grants: 1 }])
    })

    it('leaves an account that exists alone without --promote', async () => {
      const email = address()
      await insertUser(email)
      const before = await accounts(email)
      const run = await forge(create(email, '--password-stdin'))
      const err = `There is an account ${email} already: add --promote to make it an administrator.\n`
      expect(run).toEqual({ code: 1, out: '', err })
      expect(await accounts(email)).toEqual(before)
    })

    it('promotes an account that exists, which keeps its password and name', async () => {
      const email = address()
      await insertUser(email)
      const run = await forge(create(email, '--promote', '--name', 'Eve'), { typed: '' })
      expect(run).toEqual({ code: 0, out: `${email} is an administrator now.\n`, err: '' })
      expect(await accounts(email)).toMatchObject([{ grants: 1, name: 'Grace', password_hash: 'none' }])
      expect((await forge(create(email, '--promote'))).out).toBe(`${email} is an administrator already.\n`)
    })

    it('promotes nobody who is not there or cannot sign in', async () => {
      const email = address()
      const absent = await forge(create(email, '--promote'))
      expect([absent.code, absent.err]).toEqual([
        1,
        `There is no account ${email}: add --password-stdin to make one.\n`,
      ])
      await insertUser(email)
      await sql('update users set disabled_at = now() where email = $1', [email])
      const disabled = await forge(create(email, '--promote'))
      expect([disabled.code, disabled.err]).toEqual([
        1,
        `The account ${email} is disabled: enable it, or choose another.\n`,
      ])
      expect(await accounts(email)).toMatchObject([{ grants: 0 }])
    })

    it('makes no account when the grant fails', async () => {
      const email = address()
      await sql(`
        create function refuse_row() returns trigger language plpgsql as $$ begin raise 'no more rows'; end $$;
        create trigger refuse_row before insert on user_roles for each row execute function refuse_row()`)
      try {
        const { code, err } = await forge(create(email, '--password-stdin'))
        expect([code, err]).toEqual([1, expect.stringMatching(/^forge failed\./)])
        expect(err).not.toContain(email)
      } finally {
        await sql('drop function refuse_row cascade')
      }
      expect(await accounts(email)).toEqual([])
    })

    it.each([
      [
        ['--email', 'nobody', '--password-stdin'],
        'short',
        '--email must be a valid email; the password must be at least 8',
      ],
      [['--email', 'a@example.org', '--password-stdin'], 'x'.repeat(129), 'the password must be at most 128'],
      [['--email', 'a@example.org', '--password-stdin'], '', 'the password must be at least 8'],
      [
        ['--email', 'a@example.org', '--password-stdin'],
        '12345678\0',
        'the password must not contain NUL or broken characters',
      ],
      [['--email', 'a@example.org', '--password-stdin', '--name', ' '], password, '--name is required'],
      [['--email', 'a@example.org', '--promote', '--name', 'x'.repeat(121)], '', '--name must be at most 120'],
    ])('is misused by %j', async (args, typed, sentence) => {
      const run = await forge(['admin', 'create', ...args], { typed })
      expect(run).toEqual({ code: 2, out: '', err: `Nothing was done: ${sentence}.\n` })
      expect(await accounts('a@example.org')).toEqual([])
    })

    it.each([
      ['no way to get a password', [], {}, /add --password-stdin and pipe it in/],
      ['a terminal, where nothing is asked', [], { isTTY: true }, /add --password-stdin and pipe it in/],
      [
        'a terminal, where a password would be seen',
        ['--password-stdin'],
        { isTTY: true },
        /Standard input is a terminal/,
      ],
      ['a file that is no password', ['--password-stdin'], { typed: 'x'.repeat(5_000) }, /too long for a password/],
      ['bytes that are no text', ['--password-stdin'], { typed: Buffer.from([0x70, 0xe4, 0xff]) }, /not UTF-8 text/],
    ])('is misused with %s', async (_name, args, run, sentence) => {
      const { code, out, err } = await forge(create('a@example.org', ...args), run)
      expect([code, out, err]).toEqual([2, '', expect.stringMatching(sentence)])
      expect(await accounts('a@example.org')).toEqual([])
    })

    it('says what to do about a database without tables, and one without the role', async () => {
      const own = database
      database = await createDatabase({ empty: true })
      try {
        const environment = { MIGRATE_ON_START: 'false' }
        const run = await forge(create('a@example.org', '--password-stdin'), { environment })
        expect([run.code, run.err]).toEqual([1, expect.stringMatching(/^The database lacks tables or roles .*\n$/)])
        await database.drop()
        database = await createDatabase()
        await sql('delete from roles')
        const again = await forge(create('a@example.org', '--password-stdin'), { environment })
        expect(again).toEqual(run)
        expect((await forge(create('a@example.org', '--password-stdin'))).code).toBe(0)
      } finally {
        await database.drop()
        database = own
      }
    })

    it('says what to do about a database that does not answer', async () => {
      const environment = { DATABASE_URL: 'postgres://a:b@127.0.0.1:1/x', DATABASE_MIGRATE_URL: '' }
      const { code, err } = await forge(create('a@example.org', '--password-stdin'), { environment })
      expect([code, err]).toEqual([1, expect.stringMatching(/^The database of DATABASE_URL does not answer: .*\n$/)])
    })
  })

  it.each([
    ['nothing', []],
    ['half a command', ['admin']],
    ['an unknown command', ['amdin', 'create']],
    ['an unknown option', ['admin', 'create', '--email', 'a@example.org', '--password', 'secret']],
    ['a missing option', ['admin', 'create', '--password-stdin']],
    ['a value too many', ['admin', 'create', 'a@example.org', '--email', 'a@example.org', '--promote']],
  ])('is misused with %s', async (_name, args) => {
    const { code, out, err } = await forge(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/Usage:|--help/)
  })

  it('shows help with an example and ends well', async () => {
    const { code, out } = await forge(['admin', 'create', '--help'])
    expect(code).toBe(0)
    expect(out).toContain('| npm run forge -- admin create --email ada@example.org --password-stdin')
    expect((await forge(['--help'])).out).toContain('Exit codes: 0 done, 1 failed, 2 not understood.')
  })

  it('says its version', async () => {
    expect(await forge(['version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
    expect((await forge(['--version'])).out).toBe(`${version}\n`)
  })
})
