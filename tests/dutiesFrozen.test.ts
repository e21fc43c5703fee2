import { expect, it } from 'vitest'
import { startApp } from './support/app.ts'
import { createDatabase } from './support/database.ts'
import { startProgram } from './support/program.ts'

it('a server that stood still during a duty does not overwrite the run that came after it', async () => {
  const database = await createDatabase()
  const app = await startApp({ database })
  const commit = await app.hold('lock table idempotency_keys in access exclusive mode')
  const frozen = startProgram({
    environment: {
      NODE_ENV: 'test',
      DATABASE_URL: database.appUrl,
      DATABASE_GATE_URL: database.gateUrl,
      DATABASE_STATEMENT_TIMEOUT_SECONDS: '600',
      MIGRATE_ON_START: 'false',
      JWT_SECRET: 'a signing secret for tests, 32 bytes or more',
    },
  })
  const row = async () =>
    (await app.sql("select holder, outcome, tick from duties where name = 'idempotency.forget'"))[0]
  try {
    await frozen.ready
    await app.untilBlocked(1)
    const { holder } = (await row()) ?? {}
    frozen.kill('SIGSTOP')
    await app.sql("update duties set tick = tick - interval '1 day'")
    await commit()
    await app.duties.look()
    const later = await row()
    expect(later).toMatchObject({ outcome: 'done' })
    expect(later?.holder).not.toBe(holder)
    frozen.kill('SIGCONT')
    await frozen.says(/ended after its next tick was claimed/)
    expect(await row()).toEqual(later)
    frozen.kill('SIGTERM')
    expect((await frozen.ended).code).toBe(0)
  } finally {
    frozen.kill('SIGKILL')
    await frozen.ended
    await app.close()
    await database.drop()
  }
})
