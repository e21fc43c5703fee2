import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import type {} from './globalSetup.ts'
import { letGo } from './pgbouncer.ts'
import { dropDatabase, withClient, withDatabase } from './testServer.ts'

/** A database of a test's own, with the schema and no rows. */
export interface TestDatabase {
  readonly ownerUrl: string
  readonly appUrl: string
  readonly gateUrl: string
  /** Ends all connections to it, too. */
  readonly drop: () => Promise<void>
}

/** Clones the migrated template; `empty` begins without a schema. Whatever is not dropped goes at the end of the run. */
export async function createDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const { ownerUrl, appUrl, gateUrl, template, prefix } = inject('testServer')
  const bouncer = inject('pgBouncerPort')
  const name = prefix + randomBytes(6).toString('hex')
  const run = (sql: string) => withClient(ownerUrl, (client) => client.query(sql))
  await run(`create database ${name} template ${empty ? 'template0' : template}`)
  return {
    ownerUrl: withDatabase(ownerUrl, name),
    appUrl: withDatabase(appUrl, name),
    gateUrl: withDatabase(gateUrl, name),
    drop: async () => {
      if (bouncer === undefined) return withClient(ownerUrl, (client) => dropDatabase(client, name))
      await letGo({ port: bouncer, login: appUrl, database: name })
      await run(`drop database if exists ${name}`)
    },
  }
}
