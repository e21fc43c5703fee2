import type { Command } from 'commander'
import { type Config, ConfigError } from '../config.ts'
import { checkDatabase } from './doctor/database.ts'
import { type Finding, failed as failedFinding, ok, warning } from './doctor/finding.ts'
import { checkDisk, checkMachine } from './doctor/machine.ts'
import { checkNetwork } from './doctor/network.ts'
import { checkSecrets } from './doctor/secrets.ts'
import { checkRedis } from './doctor/stores.ts'
import { ForgeError } from './forgeError.ts'
import { answer, columns, example, jsonOption } from './output.ts'
import type { Terminal } from './terminal.ts'

const explanation = `
Looks and changes nothing, but for the signing secret that development makes in DATA_DIR at its first use. An embedded
database is started for as long as that takes. Each row is ok, a warning or
failed, and says what puts it right. Ends with 1 when a row failed.`

/** Adds `doctor` to the commands. */
export const addDoctorCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('doctor')
    .description('check this machine, the configuration and the database')
    .option(...jsonOption)
    .addHelpText('after', `${example('doctor', 'doctor --json')}\n${explanation}`)
    .action(async ({ json }: { readonly json?: true }) => {
      const findings = await examine(terminal)
      const failures = findings.filter(({ state }) => state === 'failed').length
      answer(terminal, json, { healthy: failures === 0, findings }, tableOf(findings))
      if (failures > 0)
        throw new ForgeError(`${failures} of ${findings.length} checks failed: each says what puts it right.`)
    })
}

const examine = async (terminal: Terminal): Promise<readonly Finding[]> => {
  const config = configOf(terminal)
  if (config instanceof ConfigError) {
    const problems = config.problems.map(({ name, expected, found, fix }) =>
      failedFinding('config', `${name} is ${found}; it takes ${expected}`, fix),
    )
    return [...(await checkMachine('auto')), ...problems]
  }
  return [
    ...(await checkMachine(config.http.adapter)),
    ...(config.warnings.length === 0 ? [ok('config', `all variables are well-formed, for ${config.environment}`)] : []),
    ...config.warnings.map((text) => warning('config', text, 'docs/configuration.md has every variable')),
    ...checkSecrets(config, terminal.loadSettings()),
    checkDisk(config.dataDir),
    ...(await checkNetwork(config)),
    ...(await checkDatabase(config)),
    ...(await checkRedis(config)),
  ]
}

const configOf = ({ loadConfig }: Terminal): Config | ConfigError => {
  try {
    return loadConfig()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

const tableOf = (findings: readonly Finding[]): string =>
  columns(
    findings.flatMap(({ check, state, found, fix }) => [
      [state, check, found],
      ...(fix === undefined ? [] : [['', '', `-> ${fix}`]]),
    ]),
  )
