import { type Client, createClient } from '../../client-sdk/index.ts'
import { freePort } from '../../db/embedded/freePort.ts'
import { startApp, type TestApp } from './app.ts'
import { createDatabase } from './database.ts'
import { makeAdministrator } from './grants.ts'

/** A port and a database that one server after another has, as callers see a server that goes and comes back. */
export interface Site {
  readonly port: number
  readonly start: (environment?: Readonly<Record<string, string>>) => Promise<TestApp>
  /** After the last server there was closed. */
  readonly remove: () => Promise<void>
}

export const createSite = async (): Promise<Site> => {
  const database = await createDatabase()
  const port = await freePort()
  return {
    port,
    start: (environment = {}) => startApp({ database, environment: { PORT: String(port), ...environment } }),
    remove: () => database.drop(),
  }
}

/** Who is at work in a test of the examples. */
export const ada = { email: 'ada@example.org', password: 'correct horse battery' }

/** A client that is signed in as Ada, whose account is opened for this, and who is an administrator. */
export const signInAdministrator = async (app: TestApp): Promise<Client> => {
  const client = createClient({ url: app.url })
  const { user } = await client.auth.register({ ...ada, name: 'Ada' })
  await makeAdministrator(app, user)
  return client
}
