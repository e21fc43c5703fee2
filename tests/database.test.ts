import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Db } from '../db/client.ts'
import { isConflict } from '../db/conflict.ts'
import { type Database, type DatabaseOptions, openDatabase } from '../db/database.ts'
import { users } from '../db/schema/index.ts'
import { statement } from '../db/statement.ts'
import { TransactionAborted } from '../db/transaction.ts'
import { isUnavailable } from '../db/unavailable.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { withClient } from './support/testServer.ts'

const { placeholder } = sql
const tenantId = '0193b3f0-0000-7000-8000-000000000001'

const insertUser = statement('test.insertUser', (db) =>
  db
    .insert(users)
    .values({ id: placeholder('id'), email: placeholder('email'), name: 'Ada', password_hash: 'none' })
    .returning({ id: users.id }),
)
const countByEmail = statement('test.countByEmail', (db) =>
  db
    .select({ count: sql<number>`count(*)::int` })
    .from(users)
    .where(sql`${users.email} = ${placeholder('email')}`),
)

let testDatabase: TestDatabase
const opened: Database[] = []

const open = (changes: Partial<DatabaseOptions> = {}): Database => {
  const database = openDatabase({
    url: testDatabase.appUrl,
    maxConnections: 1,
    statementCache: true,
    applicationName: 'test',
    acquireTimeoutMs: 5_000,
    onError: () => {},
    ...changes,
  })
  opened.push(database)
  return database
}

beforeAll(async () => {
  testDatabase = await createDatabase()
})
afterAll(async () => {
  await Promise.all(opened.map((database) => database.close()))
  await testDatabase.drop()
})

const newUser = () => {
  const id = crypto.randomUUID()
  return { id, email: `${id}@example.org` }
}
const tenantOf = async (db: Db) => {
  const { rows } = await db.execute(sql`select coalesce(current_setting('app.tenant_id', true), '') as tenant`)
  return rows[0]?.tenant
}
const pidOf = async (db: Db) => Number((await db.execute(sql`select pg_backend_pid() as pid`)).rows[0]?.pid)
const terminate = (pid: number) =>
  withClient(testDatabase.appUrl, async (client) => {
    // Whoever logged in may end their own connections; on a server of somebody else that is not app.
    await client.query('set role none')
    await client.query('select pg_terminate_backend($1)', [pid])
  })

describe('transaction', () => {
  test('commits what the work did', async () => {
    const { db, transaction } = open()
    const user = newUser()
    await transaction((tx) => insertUser(tx, user))
    expect(await countByEmail(db, user)).toEqual([{ count: 1 }])
  })

  test('rolls back and throws on what the work throws', async () => {
    const { db, transaction } = open()
    const user = newUser()
    const refusal = new Error('no')
    const refused = transaction(async (tx) => {
      await insertUser(tx, user)
      throw refusal
    })
    await expect(refused).rejects.toBe(refusal)
    expect(await countByEmail(db, user)).toEqual([{ count: 0 }])
  })

  test('does not report as done what PostgreSQL rolled back at COMMIT', async () => {
    const { db, transaction } = open()
    const user = newUser()
    const swallowing = transaction(async (tx) => {
      await insertUser(tx, user)
      await tx.execute(sql`select 1 / 0`).catch(() => {})
    })
    await expect(swallowing).rejects.toBeInstanceOf(TransactionAborted)
    expect(await countByEmail(db, user)).toEqual([{ count: 0 }])
  })

  test.each(['40001', '40P01'])('runs the work again after %s', async (code) => {
    const { transaction } = open()
    let runs = 0
    const result = await transaction(async (tx) => {
      runs++
      if (runs < 3) await tx.execute(sql.raw(`do $$ begin raise sqlstate '${code}'; end $$`))
      return 'done'
    })
    expect([result, runs]).toEqual(['done', 3])
  })

  test('gives up after the third time, and at once on other errors', async () => {
    const { transaction, stats } = open()
    const runsUntilError = async (code: string) => {
      let runs = 0
      const failing = transaction((tx) => {
        runs++
        return tx.execute(sql.raw(`do $$ begin raise sqlstate '${code}'; end $$`))
      })
      await expect(failing).rejects.toThrow()
      return runs
    }
    expect(await runsUntilError('40001')).toBe(3)
    expect(await runsUntilError('23505')).toBe(1)
    expect(stats()).toEqual({ total: 1, idle: 1, waiting: 0 })
  })

  test('two real deadlocked transactions both get through', async () => {
    const { db, transaction } = open({ maxConnections: 3 })
    const [first, second] = [newUser(), newUser()]
    await insertUser(db, first)
    await insertUser(db, second)
    let waiting = 0
    let meet = () => {}
    const met = new Promise<void>((resolve) => {
      meet = resolve
    })
    const lockBoth = (ids: readonly string[]) =>
      transaction(async (tx) => {
        await tx.execute(sql`select from users where id = ${ids[0]} for update`)
        if (++waiting === 2) meet()
        await met
        await tx.execute(sql`select from users where id = ${ids[1]} for update`)
        return 'done'
      })
    const both = [lockBoth([first.id, second.id]), lockBoth([second.id, first.id])]
    expect(await Promise.all(both)).toEqual(['done', 'done'])
  })
})

describe('the tenant of a transaction', () => {
  test.each(['global', tenantId])('is %s within the transaction and gone after it', async (tenant) => {
    const { db, transaction } = open()
    expect(await transaction(tenantOf, { tenant })).toBe(tenant)
    expect(await tenantOf(db)).toBe('')
    expect(await transaction(tenantOf)).toBe('')
  })

  test('comes with the person, who is gone after it as well', async () => {
    const { db, transaction, readAs } = open()
    const personOf = async (tx: Db) => {
      const { rows } = await tx.execute(sql`select coalesce(current_setting('app.user_id', true), '') as person`)
      return rows[0]?.person
    }
    expect(await transaction(personOf, { person: tenantId })).toBe(tenantId)
    expect(await readAs({ tenant: 'global', person: tenantId }, personOf)).toBe(tenantId)
    expect(await personOf(db)).toBe('')
    await expect(transaction(personOf, { person: "'" })).rejects.toThrow(TypeError)
  })

  test('is gone after a transaction that failed', async () => {
    const { db, transaction } = open()
    await expect(transaction((tx) => tx.execute(sql`select 1 / 0`), { tenant: tenantId })).rejects.toThrow()
    expect(await tenantOf(db)).toBe('')
  })

  test('is global or a UUID, or refused before anything is sent', async () => {
    const { transaction, readAs, stats } = open()
    const tenant = "global'; drop table users; --"
    await expect(transaction(tenantOf, { tenant })).rejects.toThrow(TypeError)
    await expect(readAs({ tenant }, tenantOf)).rejects.toThrow(TypeError)
    expect(stats().total).toBe(0)
  })
})

describe('readAs', () => {
  test('answers the query as the tenant, whether it is prepared or built on the spot', async () => {
    const { db, readAs } = open()
    const user = newUser()
    await insertUser(db, user)
    expect(await readAs({ tenant: tenantId }, tenantOf)).toBe(tenantId)
    expect(await readAs({ tenant: 'global' }, (tx) => countByEmail(tx, user))).toEqual([{ count: 1 }])
    expect(await tenantOf(db)).toBe('')
  })

  test('throws the error of the query, and the connection goes on', async () => {
    const { db, readAs, stats } = open()
    const pid = await pidOf(db)
    await expect(readAs({ tenant: 'global' }, (tx) => tx.execute(sql`select 1 / 0`))).rejects.toThrow()
    await expect(
      readAs({ tenant: 'global' }, async () => {
        throw new Error('before any query')
      }),
    ).rejects.toThrow('before any query')
    expect(await readAs({ tenant: 'global' }, tenantOf)).toBe('global')
    expect(await pidOf(db)).toBe(pid)
    expect(stats()).toEqual({ total: 1, idle: 1, waiting: 0 })
  })

  test('cannot write', async () => {
    const { db, readAs } = open()
    const pid = await pidOf(db)
    const error = await readAs({ tenant: 'global' }, (tx) => insertUser(tx, newUser())).catch((thrown) => thrown)
    expect(error).toMatchObject({ name: 'WriteInReadAs', cause: { cause: { code: '25006' } } })
    expect(isUnavailable(error)).toBe(false)
    expect(await pidOf(db), 'the connection is as good as before').toBe(pid)
  })

  test('refuses a second query', async () => {
    const { readAs } = open()
    const twice = readAs({ tenant: 'global' }, async (tx) => [await tenantOf(tx), await tenantOf(tx)])
    await expect(twice).rejects.toMatchObject({ cause: { message: expect.stringContaining('one query') } })
  })
})

describe('statement', () => {
  const preparedNames = async (db: Db) => {
    const { rows } = await db.execute<{ name: string }>(
      sql`select name from pg_prepared_statements where name like 'test.%'`,
    )
    return rows.map(({ name }) => name)
  }

  test('is prepared by name on the pool and in a transaction', async () => {
    const { db, transaction } = open()
    await countByEmail(db, { email: 'nobody' })
    await transaction((tx) => insertUser(tx, newUser()))
    expect((await preparedNames(db)).sort()).toEqual(['test.countByEmail', 'test.insertUser'])
  })

  test('leaves no name behind without the statement cache', async () => {
    const { db, transaction, readAs } = open({ statementCache: false })
    await countByEmail(db, { email: 'nobody' })
    await transaction((tx) => insertUser(tx, newUser()))
    await readAs({ tenant: 'global' }, (tx) => countByEmail(tx, { email: 'nobody' }))
    expect(await preparedNames(db)).toEqual([])
  })

  test('runs in the transaction it is given', async () => {
    const { db, transaction } = open({ maxConnections: 2 })
    const user = newUser()
    await transaction(async (tx) => {
      await insertUser(tx, user)
      expect(await countByEmail(tx, user)).toEqual([{ count: 1 }])
      expect(await countByEmail(db, user)).toEqual([{ count: 0 }])
    })
  })

  test('can be used after its first use failed', async () => {
    const { db, transaction } = open()
    const user = newUser()
    const failed = transaction(async (tx) => {
      const wrong = tx.execute(sql`select 1 / 0`)
      await Promise.allSettled([wrong, countByEmail(tx, user), insertUser(tx, user)])
      await insertUser(tx, user)
    })
    await expect(failed).rejects.toMatchObject({ cause: { code: '25P02' } })
    await insertUser(db, user)
    expect(await countByEmail(db, user)).toEqual([{ count: 1 }])
  })

  test('refuses a name that is taken', () => {
    expect(() => statement('test.countByEmail', (db) => db.select().from(users))).toThrow('test.countByEmail')
  })

  test('a broken unique constraint is recognised by its name', async () => {
    const { db } = open()
    const user = newUser()
    await insertUser(db, user)
    const error = await insertUser(db, { ...user, id: crypto.randomUUID() }).catch((thrown: unknown) => thrown)
    expect(isConflict(error, 'users_email_unique')).toBe(true)
    expect(isConflict(error, 'users_pkey')).toBe(false)
    expect(isUnavailable(error)).toBe(false)
  })
})

describe('a lost connection', () => {
  test('fails the transaction it carried and nothing else', async () => {
    const { db, transaction, stats } = open()
    const lost = transaction(async (tx) => {
      await terminate(await pidOf(tx))
      await tx.execute(sql`select 1`)
    })
    expect(isUnavailable(await lost.catch((error: unknown) => error))).toBe(true)
    expect(await tenantOf(db)).toBe('')
    expect(stats()).toEqual({ total: 1, idle: 1, waiting: 0 })
  })

  test('while the work awaits something else does not end the process', async () => {
    const { transaction, stats } = open()
    const lost = transaction(async (tx) => {
      const client = tx.$client
      const ended = new Promise((resolve) => client.once('end', resolve))
      await terminate(await pidOf(tx))
      await ended
      throw new Error('the reason of the work')
    })
    await expect(lost).rejects.toThrow('the reason of the work')
    expect(stats().total).toBe(0)
  })

  test('at rest is told to onError', async () => {
    let told: (error: Error) => void = () => {}
    const error = new Promise<Error>((resolve) => {
      told = resolve
    })
    const { db } = open({ onError: (lost) => told(lost) })
    await terminate(await pidOf(db))
    expect(isUnavailable(await error)).toBe(true)
    expect(await tenantOf(db)).toBe('')
  })
})

describe('the pool', () => {
  test('a full one refuses after acquireTimeoutMs', async () => {
    const { db, transaction } = open({ acquireTimeoutMs: 50 })
    const error = await transaction(() => tenantOf(db)).catch((thrown: unknown) => thrown)
    expect(isUnavailable(error)).toBe(true)
  })

  test('a server that is not there is unavailable', async () => {
    const { db } = open({ url: 'postgres://app:x@127.0.0.1:1/app' })
    expect(isUnavailable(await tenantOf(db).catch((error: unknown) => error))).toBe(true)
  })

  test('a missing file is unavailable only where it is the socket of the server', async () => {
    const { db } = open({ url: 'postgres://app:x@%2Fnowhere/app' })
    expect(isUnavailable(await tenantOf(db).catch((error: unknown) => error))).toBe(true)
    expect(isUnavailable(Object.assign(new Error('no file'), { code: 'ENOENT', syscall: 'open' }))).toBe(false)
  })

  test('close waits for the work at hand, and may be called twice', async () => {
    const { transaction, close } = open()
    let begun = () => {}
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve
    })
    const work = transaction(async (tx) => {
      begun()
      return tenantOf(tx)
    })
    await hasBegun
    await Promise.all([close(), close()])
    expect(await work).toBe('')
    expect(isUnavailable(await transaction(tenantOf).catch((error: unknown) => error))).toBe(true)
  })

  test('role is taken on by every connection', async () => {
    const { db } = open({ url: testDatabase.ownerUrl, role: 'gate' })
    expect((await db.execute(sql`select current_user as role`)).rows).toEqual([{ role: 'gate' }])
    await expect(db.execute(sql`select password_hash from users`)).rejects.toMatchObject({ cause: { code: '42501' } })
  })

  test.each([true, false])(
    'a transaction that lies idle is ended after a minute, statementCache %s',
    async (statementCache) => {
      const { transaction } = open({ statementCache, statementTimeoutMs: 20_000 })
      const shown = await transaction(async (tx) => [
        (await tx.execute(sql`show idle_in_transaction_session_timeout`)).rows[0],
        (await tx.execute(sql`show statement_timeout`)).rows[0],
      ])
      expect(shown).toEqual([{ idle_in_transaction_session_timeout: '1min' }, { statement_timeout: '20s' }])
    },
  )

  test('statementTimeoutMs ends a statement', async () => {
    const { db } = open({ statementTimeoutMs: 20 })
    await expect(db.execute(sql`select pg_sleep(10)`)).rejects.toMatchObject({ cause: { code: '57014' } })
  })
})
