import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { Password } from '../../contract/scalars.ts'
import type { Config } from '../config.ts'
import { createPasswordHasher } from '../platform/hashing/index.ts'
import { withAddresses } from './commandDatabase.ts'
import { type Demo, seedDemo } from './demo.ts'
import { ForgeError, misused } from './forgeError.ts'
import { withLiveApp } from './liveApp.ts'
import { migrateUp } from './migrations.ts'
import { answer, columns, example, jsonOption } from './output.ts'
import { readSecretLine, type Terminal } from './terminal.ts'

interface Options {
  readonly demo?: true
  readonly passwordStdin?: true
  readonly yes?: true
  readonly json?: true
}

const explanation = `
Without --demo: brings the schema up to date, adds permissions and menu entries that are new, and makes the role admin.
With it also a tenant with an owner, members, roles and menus, and an administrator, made through the API's own entries.
Both may be run again: what is there stays as it is, passwords too. A new password is made and printed, or read from the
first line of standard input. Production takes no demonstration without --yes.`

/** Adds `seed` to the commands. */
export const addSeedCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('seed')
    .description('add permissions and the role admin; with --demo people, a tenant, roles and menus to look at')
    .option('--demo', 'add what a demonstration needs')
    .option('--password-stdin', 'read the password of the people of the demonstration from standard input')
    .option('--yes', 'also in production')
    .option(...jsonOption)
    .addHelpText('after', `${example('seed', 'seed --demo')}\n${explanation}`)
    .action(async ({ demo, passwordStdin, yes, json }: Options) => {
      const config = terminal.loadConfig()
      if (passwordStdin && !demo) throw new ForgeError('Nothing was done: --password-stdin belongs to --demo.', misused)
      if (demo && config.environment === 'production' && !yes) throw new ForgeError(refused, misused)
      const password =
        demo && (passwordStdin ? checked(await readSecretLine(terminal)) : randomBytes(15).toString('base64url'))
      const { added, applied } = await withAddresses(config, terminal, ({ ownerUrl }) => migrateUp(ownerUrl, terminal))
      const basis = { applied, added_permissions: added }
      if (!password) return answer(terminal, json, basis, textOfBasis(applied, added))
      const made = await addDemo(config, terminal, password).catch((error: unknown) => {
        if (!passwordStdin) terminal.complain(`${cutOff(password)}\n`)
        throw error
      })
      const shown = made.opened && !passwordStdin ? { password } : {}
      answer(terminal, json, { ...basis, ...made, ...shown }, textOfDemo(made, shown.password))
    })
}

const addDemo = async (config: Config, terminal: Terminal, password: string): Promise<Demo> => {
  const found: Demo[] = []
  await withLiveApp(openTo(config), terminal, async ({ call, database }) => {
    const passwords = await createPasswordHasher(config.hashing)
    try {
      found.push(await seedDemo({ call, database, passwords }, password))
    } finally {
      await passwords.close()
    }
  })
  return found[0] as Demo
}

/** Whoever runs forge may make accounts, whether strangers may or not. */
const openTo = (config: Config): Config => ({
  ...config,
  flags: { ...config.flags, variables: { ...config.flags.variables, registration: true } },
})

const checked = (password: string): string => {
  const parsed = Password.safeParse(password)
  if (parsed.success) return password
  throw new ForgeError('Nothing was done: the password must have 8 to 128 characters.', misused)
}

const textOfBasis = (applied: readonly string[], added: readonly string[]): string => {
  const news = [...applied.map((name) => `migration ${name}`), ...added.map((code) => `permission ${code}`)]
  return news.length === 0 ? 'Everything was there.' : `Added: ${news.join(', ')}.`
}

const textOfDemo = ({ made, people, tenant }: Demo, password: string | undefined): string =>
  [
    made.length === 0 ? 'Everything was there.' : `Added: ${made.join(', ')}.`,
    `Tenant ${tenant.slug}, X-Tenant-ID: ${tenant.id}`,
    columns(people.map(({ email, role }) => [email, role])),
    ...(password === undefined ? [] : [`Password of the accounts that were added: ${password}`]),
  ].join('\n')

const cutOff = (password: string) => `Accounts that were added until it failed have the password ${password}`
const refused =
  'Nothing was done: this is production, and the people of a demonstration are accounts that sign in; add --yes if you mean it.'
