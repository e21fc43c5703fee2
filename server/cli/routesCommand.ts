import type { Command } from 'commander'
import type { Entry } from '../../contract/define.ts'
import { modules } from '../modules.ts'
import { ForgeError, misused } from './forgeError.ts'
import { answer, columns, example, jsonOption } from './output.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly module?: string
  readonly json?: true
}

interface Route {
  readonly key: string
  readonly kind: Entry['kind']
  readonly verb: string
  readonly path: string
  readonly access: string
  readonly rate: string
  readonly tenancy: string
  /** Null for what changes nothing. */
  readonly idempotency: 'key' | 'none' | null
  /** The flag that must be on for it; null when it is always there. */
  readonly flag: string | null
}

/** Adds `routes` to the commands. */
export const addRoutesCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('routes')
    .description('list the entries of the contract with their rules')
    .argument('[text]', 'only those whose key, path or access holds this')
    .option('--module <name>', 'only those of this module')
    .option(...jsonOption)
    .addHelpText('after', example('routes', 'routes tenants', 'routes --module menus --json'))
    .action((text: string | undefined, { module, json }: Options) => {
      const found = listRoutes(module).filter((route) => matches(route, text))
      if (found.length === 0) throw new ForgeError(nothingFound(text, module))
      answer(terminal, json, { routes: found }, tableOf(found))
    })
}

const nothingFound = (text: string | undefined, module: string | undefined) => {
  const of = module === undefined ? '' : ` of ${module}`
  return `No entry${of} has ${text === undefined ? 'a route' : `"${text}" in key, path or access`}: routes lists all.`
}

const listRoutes = (only: string | undefined): Route[] => {
  if (only !== undefined && !modules.some(({ name }) => name === only)) {
    const all = modules.map(({ name }) => name).join(', ')
    throw new ForgeError(`There is no module ${only}: choose of ${all}.`, misused)
  }
  return modules
    .filter(({ name }) => only === undefined || name === only)
    .flatMap(({ name, contract }) =>
      Object.entries(contract).map(([entry, rules]) => routeOf(`${name}.${entry}`, rules)),
    )
}

const routeOf = (key: string, rules: Entry): Route => {
  const { kind, access, rate, tenancy } = rules
  const [verb, path] = rules.http
  const idempotency = rules.kind === 'mutation' ? rules.idempotency : null
  return { key, kind, verb, path, access, rate, tenancy, idempotency, flag: flagOf(rules) }
}

const flagOf = (rules: object): string | null => ('flag' in rules && typeof rules.flag === 'string' ? rules.flag : null)

const matches = ({ key, path, access }: Route, text: string | undefined): boolean =>
  text === undefined || [key, path, access].some((field) => field.toLowerCase().includes(text.toLowerCase()))

const tableOf = (routes: readonly Route[]): string =>
  columns([
    ['VERB', 'PATH', 'KEY', 'ACCESS', 'RATE', 'IDEMPOTENCY', 'FLAG'],
    ...routes.map(({ verb, path, key, access, rate, idempotency, flag }) => [
      verb,
      path,
      key,
      access,
      rate,
      idempotency ?? '-',
      flag ?? '-',
    ]),
  ])
