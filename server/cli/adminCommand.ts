import type { Command } from 'commander'
import { z } from 'zod'
import { Email, label, Password } from '../../contract/scalars.ts'
import { createPasswordHasher } from '../platform/hashing/index.ts'
import { Failure } from '../rpc/failure.ts'
import { invalidInput, requireReadable } from '../rpc/validation.ts'
import { withDatabase } from './commandDatabase.ts'
import { createAdmin, type MadeAdmin } from './createAdmin.ts'
import { createAdminExample } from './example.ts'
import { ForgeError, misused } from './forgeError.ts'
import { answer, jsonOption } from './output.ts'
import { readSecretLine, type Terminal } from './terminal.ts'

interface Options {
  readonly email: string
  readonly name?: string
  readonly passwordStdin?: true
  readonly promote?: true
  readonly json?: true
}

const example = `
Example:
  ${createAdminExample}

The password is the first line of standard input. Of two that run at once with one e-mail, one makes the account.`

/** Adds `admin create` to the commands. */
export const addAdminCommands = (program: Command, terminal: Terminal): void => {
  program
    .command('admin')
    .description('administrators, who hold every permission in every tenant')
    .command('create')
    .description('make the account of an administrator')
    .requiredOption('--email <e-mail>', 'the e-mail to sign in with')
    .option('--name <name>', 'what to call the person (default: the e-mail up to its @)')
    .option('--password-stdin', 'read the password of the new account from standard input')
    .option('--promote', 'make an account that exists an administrator; it keeps its password and name')
    .option(...jsonOption)
    .addHelpText('after', example)
    .action(async (options: Options) => {
      const made = await run(options, terminal)
      answer(terminal, options.json, made, sentenceOf(made))
    })
}

const run = async (options: Options, terminal: Terminal): Promise<MadeAdmin> => {
  if (!options.passwordStdin && !options.promote) throw new ForgeError(noPassword, misused)
  const person = check({
    email: options.email,
    name: options.name ?? options.email.trim().split('@')[0],
    ...(options.passwordStdin ? { password: await readSecretLine(terminal) } : {}),
  })
  const config = terminal.loadConfig()
  return withDatabase(config, terminal, async (database) => {
    const passwords = await createPasswordHasher(config.hashing)
    try {
      return await createAdmin({ database, passwords }, { ...person, promote: options.promote === true })
    } finally {
      await passwords.close()
    }
  })
}

/** As auth.register takes them. */
const Person = z.object({ email: Email, name: label(1, 120), password: Password.optional() })
const labels: Readonly<Record<string, string>> = { email: '--email', name: '--name', password: 'the password' }

/** Holds the fields to what registration asks of them; throws ForgeError with its words. */
const check = (fields: Readonly<Record<string, string | undefined>>) => {
  const parsed = Person.safeParse(fields)
  try {
    requireReadable(fields)
    if (!parsed.success) throw invalidInput(parsed.error.issues, fields)
  } catch (error) {
    if (error instanceof Failure) throw new ForgeError(explainFields(error), misused)
    throw error
  }
  const { password, ...person } = parsed.data
  return { ...person, password }
}

const explainFields = ({ meta }: Failure) => {
  const fields = Object.entries((meta?.fields ?? {}) as Record<string, string>)
  return `Nothing was done: ${fields.map(([name, text]) => `${labels[name] ?? name} ${text}`).join('; ')}.`
}

const sentenceOf = ({ email, created, granted }: MadeAdmin) => {
  if (created) return `The account ${email} is made, and it is an administrator.`
  return granted ? `${email} is an administrator now.` : `${email} is an administrator already.`
}

const noPassword = `A password is never an argument, where others see it: add --password-stdin and pipe it in, as in\n  ${createAdminExample}\nor add --promote for an account that exists.`
