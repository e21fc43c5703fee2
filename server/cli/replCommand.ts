import { type EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { type REPLServer, Recoverable, start } from 'node:repl'
import { PassThrough } from 'node:stream'
import { inspect } from 'node:util'
import type { Command } from 'commander'
import { contract } from '../../contract/index.ts'
import * as tables from '../../db/schema/index.ts'
import type { Config } from '../config.ts'
import { modules } from '../modules.ts'
import { ForgeError } from './forgeError.ts'
import { type LiveApp, withLiveApp } from './liveApp.ts'
import { example, jsonOption } from './output.ts'
import type { Terminal } from './terminal.ts'

const explanation = `
At hand are config (with secrets: what you print is yours to guard), contract, modules, tables, db, readAs(scope, query),
transaction(work, scope) and call(key, input, { as: e-mail, tenant: id }), which calls an entry as that person with all its
rules. Scopes are { tenant: 'global' } or { tenant: id }. await works everywhere.

Without a terminal the lines of standard input are run, each result is printed, and the first error ends it with 1.`

/** Adds `repl` to the commands. */
export const addReplCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('repl')
    .description('a Node prompt with the app in it, or a script of lines on standard input')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `${example('repl', `repl <<< "await call('auth.me', undefined, { as: 'ada@example.org' })"`)}\n${explanation}`,
    )
    .action(async ({ json }: { readonly json?: true }) => {
      const config = terminal.loadConfig()
      await withLiveApp(config, terminal, async (live) => {
        const names = namesOf(config, live)
        await (terminal.input.isTTY ? converse(names) : runLines(names, terminal, json === true))
      })
    })
}

const namesOf = (config: Config, { database, call }: LiveApp) => {
  const { db, readAs, transaction } = database
  return { config, contract, modules, tables, db, readAs, transaction, call }
}

const converse = async (names: object): Promise<void> => {
  const server = start({ prompt: 'forge> ' })
  Object.assign(server.context, names)
  await once(server, 'exit')
}

/** The evaluator of Node's own prompt, so that a script means what it means typed: `await`, and lines that go on. */
const runLines = async (names: object, terminal: Terminal, json: boolean): Promise<void> => {
  const server = start({ prompt: '', input: new PassThrough(), output: new PassThrough(), terminal: false })
  Object.assign(server.context, names)
  const show = (value: unknown) => (json ? jsonOf(value) : inspect(value, { depth: 6 }))
  let pending = ''
  for await (const line of createInterface({ input: terminal.input, crlfDelay: Number.POSITIVE_INFINITY })) {
    pending += `${line}\n`
    if (pending.trim() === '') continue
    const result = await evaluate(server, pending)
    if (result === unfinished) continue
    pending = ''
    if (result.value !== undefined) terminal.print(`${show(result.value)}\n`)
  }
  server.close()
  if (pending.trim() !== '') throw new ForgeError(`The last lines are no whole statement: ${pending.trim()}`)
}

const jsonOf = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? 'null'
  } catch (error) {
    throw new ForgeError(`A result has no form in JSON: ${inWords(error)}`)
  }
}

const unfinished = Symbol('the statement goes on')

const evaluate = (server: REPLServer, text: string): Promise<typeof unfinished | { readonly value: unknown }> =>
  new Promise((resolve, reject) => {
    const refuse = (error: unknown) => reject(new ForgeError(`${text.trim()}\n${inWords(error)}`))
    // Up to Node 24 the evaluator hands what is thrown to its domain, and calls nobody back.
    const { _domain: domain } = server as unknown as { _domain?: EventEmitter }
    domain?.removeAllListeners('error').once('error', refuse)
    server.eval(text, server.context, 'forge', (error, value: unknown) => {
      if (error instanceof Recoverable) resolve(unfinished)
      else if (error) refuse(error)
      else resolve({ value })
    })
  })

const inWords = (error: unknown): string => {
  const { name, message } = error as { name?: string; message?: string }
  return message === undefined ? `threw ${inspect(error)}` : `${name ?? 'Error'}: ${message}`
}
