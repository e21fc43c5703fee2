import { sql } from 'drizzle-orm'
import { idempotencyKeys } from '../../db/schema/idempotencyKeys.ts'
import { statement } from '../../db/statement.ts'
import { batchSize, deleteInBatches } from '../platform/duties/batches.ts'
import type { Duty } from '../platform/duties/duty.ts'

const { id, expires_at } = idempotencyKeys

const deleteExpired = statement('idempotency.deleteExpired', (db) =>
  db
    .delete(idempotencyKeys)
    .where(
      sql`${id} = any(array(
        select id from idempotency_keys where ${expires_at} <= now() limit ${sql.placeholder('limit')} for update skip locked
      ))`,
    )
    .returning({ id }),
)

/** Deletes answers that can no longer be replayed. Of no module: keys belong to all mutations. */
export const forgetAnswers: Duty = {
  name: 'idempotency.forget',
  schedule: '*/10 * * * *',
  run: async ({ database, signal }) => ({
    answers: await deleteInBatches(signal, () => deleteExpired(database.db, { limit: batchSize })),
  }),
}
