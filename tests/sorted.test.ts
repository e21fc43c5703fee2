import { sql } from 'drizzle-orm'
import { doublePrecision, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dbOver } from '../db/client.ts'
import { moment } from '../db/schema/columns.ts'
import { positionIn, type Sort, sorted } from '../db/sorted.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'

const pears = pgTable('pears', { id: uuid().primaryKey(), name: text(), weight: doublePrecision(), picked: moment() })
const lists = sorted('pears.list', {
  columns: { name: pears.name, weight: pears.weight, picked: pears.picked },
  id: pears.id,
  build: (db, { behind, order }) =>
    db
      .select()
      .from(pears)
      .where(behind)
      .orderBy(...order)
      .limit(sql.placeholder('limit')),
})

describe('a list in every order', () => {
  let database: TestDatabase
  let pool: pg.Pool
  beforeAll(async () => {
    database = await createDatabase({ empty: true })
    pool = new pg.Pool({ connectionString: database.ownerUrl, max: 1 })
    await pool.query('create table pears (id uuid primary key, name text, weight float8, picked timestamptz(3))')
    // Each value three times, so that the id has to tell them apart.
    await pool.query(
      `insert into pears select gen_random_uuid(), 'Pear ' || n / 3, n / 3 + 0.1, timestamptz '2027-01-01' + n / 3 * interval '1.5 s'
       from generate_series(0, 20) n`,
    )
  })
  afterAll(async () => {
    await pool.end()
    await database.drop()
  })

  const walk = async (sort: Sort<'name' | 'weight' | 'picked'>) => {
    const db = dbOver(pool)
    const ids: string[] = []
    for (let [afterValue, afterId] = ['', '']; ; ) {
      const rows = await lists[sort](db, { afterValue, afterId, limit: 4 })
      const last = rows.at(-1)
      if (!last) return ids
      ids.push(...rows.map(({ id }) => id))
      const { id, name, weight, picked } = last
      ;[afterValue, afterId] = positionIn(sort, {
        id,
        name: name ?? '',
        weight: weight ?? 0,
        picked: picked ?? new Date(),
      })
    }
  }

  it.each(['name', 'weight', 'picked'] as const)('shows each row once, by %s from either end', async (column) => {
    const { rows } = await pool.query(`select id from pears order by ${column}, id`)
    const inOrder = rows.map(({ id }) => id)
    expect(await walk(column)).toEqual(inOrder)
    expect(await walk(`-${column}`)).toEqual(inOrder.toReversed())
  })
})
