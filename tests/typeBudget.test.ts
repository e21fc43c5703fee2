import path from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { printApi } from '../scripts/client/apiDeclarations.ts'
import { declarationsOf } from '../scripts/client/declarations.ts'
import { compile, inFolder, repository } from './support/compile.ts'
import { packedUse, programs } from './support/manyProcedures.ts'

/**
 * Type instantiations for 300 procedures, as they were when last looked at: what an editor computes anew on a change.
 * Unlike seconds they are the same on every machine. Twice as many is a fault; a lower count may be written down here.
 */
const record = {
  contract: 0,
  server: 0,
  client: 0,
  plainClient: 0,
  packedClient: 0,
}

interface Cost {
  readonly instantiations: number
  readonly milliseconds: number
}

const costOf = (files: Readonly<Record<string, string>>): Cost => {
  const program = compile(files)
  const start = performance.now()
  const problems = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.startsWith(path.join(repository, 'tests/many/')))
    .flatMap((file) => program.getSemanticDiagnostics(file))
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
  return { instantiations: program.getInstantiationCount(), milliseconds: Math.round(performance.now() - start) }
}

/** The packed client of the 300 procedures, beside the files that a packed client has anyway. */
const packedFiles = () => {
  const api = printApi(compile(programs.contract), path.join(repository, 'tests/many/api.ts'))
  return { ...inFolder('tests/many/packed', new Map([...declarationsOf(repository), ['api.d.ts', api]])), ...packedUse }
}

const show = (name: string, { instantiations, milliseconds }: Cost, beside = '') =>
  console.log(`${name}: ${instantiations.toLocaleString('en')} instantiations, checked in ${milliseconds} ms${beside}`)

const ratio = (cost: Cost, other: Cost) => ` (${(cost.instantiations / other.instantiations).toFixed(2)} of by hand)`

describe('types of 300 procedures', () => {
  it('cost the server no more than they are worth', () => {
    const byHand = costOf(programs.routerByHand)
    show('a tRPC router by hand, with its handlers', byHand)
    for (const name of ['contract', 'server'] as const) {
      const cost = costOf(programs[name])
      show(name, cost, ratio(cost, byHand))
      expect(cost.instantiations).toBeLessThan(2 * record[name])
    }
  })

  it('cost the client no more than they are worth', () => {
    const byHand = costOf(programs.plainClientByHand)
    show('a tRPC client of a router by hand', byHand)
    const costs = {
      plainClient: costOf(programs.plainClient),
      client: costOf(programs.client),
      packedClient: costOf(packedFiles()),
    }
    for (const name of ['plainClient', 'client', 'packedClient'] as const) {
      show(name, costs[name], ratio(costs[name], byHand))
      expect(costs[name].instantiations).toBeLessThan(2 * record[name])
    }
  })
})
