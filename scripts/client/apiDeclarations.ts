import ts from 'typescript'
import { printClient, printRouter, printTree } from './entryDeclarations.ts'
import { findNamedSchemas } from './namedSchemas.ts'
import { membersOf } from './objectPrinter.ts'
import { createTypePrinter, type NamedType, type TypePrinter } from './typePrinter.ts'

/** A sentence about an entry, shown by editors. */
export type Describe = (feature: string, entry: string) => string

/**
 * Prints what client-sdk/api.ts exports, written out entry by entry as the compiler computed it: the text names neither
 * zod nor the contract. Bundlers of declarations would carry zod along, whose types then come out as `any`.
 */
export const printApi = (program: ts.Program, apiFile: string, describe: Describe = () => ''): string => {
  const checker = program.getTypeChecker()
  const types = exportedTypes(program, apiFile)
  const printer = createTypePrinter(program, [...findNamedSchemas(program), ...optionTypes(program)])
  const rest = [...types].filter(([name]) => !['Client', 'Inputs', 'Outputs', 'Router'].includes(name))
  const typeOf = (name: string): ts.Type => {
    const type = types.get(name)
    if (!type) throw new Error(`${apiFile} exports no ${name}`)
    return type
  }
  const parts = [
    ...rest.map(([name, type]) => `export type ${name} = ${printer.printBody(type)}`),
    `/** What each call takes. */\nexport interface Inputs ${printTree(printer, typeOf('Inputs'))}`,
    `/** What each call resolves to. */\nexport interface Outputs ${printTree(printer, typeOf('Outputs'))}`,
    `/** This API as functions. */\nexport interface Client ${printClient(printer, typeOf('Client'), describe)}`,
    printRouter(printer, typeOf('Router')),
  ]
  const text = [...declareNames(printer, checker), ...parts].join('\n\n')
  return `${importsOf(printer, text)}\n\n${text}\n`
}

const exportedTypes = (program: ts.Program, file: string): Map<string, ts.Type> => {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  if (!module) throw new Error(`${file} is no module of the program`)
  const original = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  return new Map(
    checker
      .getExportsOfModule(module)
      .map((symbol) => [symbol.name, checker.getDeclaredTypeOfSymbol(original(symbol))] as const),
  )
}

/** The types of options.ts, which calls name: they are declared there. */
const optionTypes = (program: ts.Program): readonly NamedType[] => {
  const file = program.getSourceFiles().find(({ fileName }) => fileName.endsWith('/client-sdk/options.ts'))
  if (!file) return []
  return [...exportedTypes(program, file.fileName)].map(([name, type]) => ({ name, type, from: './options.js' }))
}

/** Declares every name that was used. A declaration may use more names: the map grows while it is walked. */
const declareNames = (printer: TypePrinter, checker: ts.TypeChecker): readonly string[] => {
  const texts: string[] = []
  for (const { name, type, comment, from } of printer.used.values()) {
    if (from !== undefined) continue
    const isPlain = type.flags & ts.TypeFlags.Object && !checker.isArrayType(type) && !checker.isTupleType(type)
    const body = isPlain
      ? `interface ${name} {\n${membersOf(printer, type)
          .map((member) => `  ${member}\n`)
          .join('')}}`
      : `type ${name} = ${printer.printBody(type)}`
    texts.push(`${comment ? `/** ${comment} */\n` : ''}export ${body}`)
  }
  return texts
}

const importsOf = ({ used }: TypePrinter, text: string): string => {
  const names = [...used.values()].filter(({ from }) => from !== undefined)
  const ofTrpc = [...new Set(text.match(/\bTRPC(?:\w+Procedure|RouterDef)\b/g))].sort()
  return [
    `import type { ${ofTrpc.join(', ')} } from '@trpc/server'`,
    "import type { Root } from './errorShape.js'",
    ...names.map(({ name, from }) => `import type { ${name} } from '${from}'`),
  ].join('\n')
}
