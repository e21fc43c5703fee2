import path from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'
import { printApi } from '../scripts/client/apiDeclarations.ts'
import { compile, repository } from './support/compile.ts'
import { packed, programs } from './support/manyProcedures.ts'

/**
 * Type instantiations for 300 procedures as they were when last written down: the work of an editor. Unlike seconds they
 * are the same on every machine. Twice as many is a fault; a lower number may take the place of one here.
 */
const record = {
  /** The contract alone, then with its handlers. */
  contract: 168_000,
  server: 371_000,
  /** All procedures called by types of the contract: through tRPC's client, through ours. */
  plainClient: 452_000,
  client: 360_000,
  /** By packed types, which have nothing left to compute: it was 6, and a few more would be no fault. */
  packedClient: 1_000,
  packedPlainClient: 43_000,
}

const folder = path.join(repository, 'tests/many/')

/** Checks the files whose names fit, and says what the program has cost so far. */
const costOf = (program: ts.Program, fits = /./): number => {
  const files = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(folder) && fits.test(fileName))
  const problems = files.flatMap((file) => program.getSemanticDiagnostics(file))
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
  return program.getInstantiationCount()
}

const timed = (program: ts.Program, fits?: RegExp) => {
  const start = performance.now()
  const cost = costOf(program, fits)
  return { cost, text: `, checked in ${Math.round(performance.now() - start)} ms` }
}

const show = (name: string, cost: number, beside: string) =>
  console.log(`${name}: ${cost.toLocaleString('en')} instantiations${beside}`)

const against = (cost: number, other: number) => ` (${(cost / other).toFixed(2)} of the same by hand)`

it('types of 300 procedures cost at most twice their record', () => {
  const byHand = compile(programs.byHand)
  const routerByHand = costOf(byHand, /router\.ts$|\/trpc\//)
  const clientByHand = costOf(byHand)
  show('a tRPC router by hand', routerByHand, '')
  show('a tRPC client of it', clientByHand, '')

  const server = compile(programs.server)
  const plain = timed(compile(programs.plainClient))
  const source = compile(programs.client)
  const client = timed(source)
  const printed = compile(packed(printApi(source, path.join(folder, 'api.ts'))))
  const packedClient = timed(printed, /\/use\.ts$|packed/)
  const packedPlain = timed(printed)
  const costs = {
    contract: costOf(server, /contract/),
    server: costOf(server),
    plainClient: plain.cost,
    client: client.cost,
    packedClient: packedClient.cost,
    packedPlainClient: packedPlain.cost,
  }
  show('the contract', costs.contract, against(costs.contract, routerByHand))
  show('with its handlers', costs.server, against(costs.server, routerByHand))
  show("tRPC's client", costs.plainClient, against(costs.plainClient, clientByHand) + plain.text)
  show('our client', costs.client, against(costs.client, clientByHand) + client.text)
  show('our packed client', costs.packedClient, packedClient.text)
  show(
    "tRPC's client of it",
    costs.packedPlainClient,
    against(costs.packedPlainClient, clientByHand) + packedPlain.text,
  )
  const isWithin = (name: keyof typeof record) => costs[name] <= 2 * record[name]
  expect((Object.keys(record) as (keyof typeof record)[]).filter((name) => !isWithin(name))).toEqual([])
}, 120_000)
