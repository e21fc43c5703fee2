import ts from 'typescript'
import type { Describe } from './apiDeclarations.ts'
import type { TypePrinter } from './typePrinter.ts'

interface EntryType {
  readonly feature: string
  readonly name: string
  readonly type: ts.Type
}

/** The properties of the properties of a type: what stands under `feature.entry`. */
const entriesOf = ({ checker }: TypePrinter, tree: ts.Type): readonly EntryType[] =>
  checker
    .getPropertiesOfType(tree)
    .flatMap((feature) =>
      checker
        .getPropertiesOfType(checker.getTypeOfSymbol(feature))
        .map((entry) => ({ feature: feature.name, name: entry.name, type: checker.getTypeOfSymbol(entry) })),
    )

/** Two levels of braces around one line for each entry. */
const printNested = (printer: TypePrinter, tree: ts.Type, line: (entry: EntryType) => string): string => {
  const lines: string[] = []
  let current = ''
  for (const entry of entriesOf(printer, tree)) {
    if (entry.feature !== current) lines.push(`${current ? '  }\n' : ''}  readonly ${entry.feature}: {`)
    current = entry.feature
    lines.push(line(entry))
  }
  return `{\n${lines.join('\n')}\n  }\n}`
}

/** Inputs or outputs: a type for each entry. */
export const printTree = (printer: TypePrinter, tree: ts.Type): string =>
  printNested(printer, tree, ({ name, type }) => `    readonly ${name}: ${printer.print(type)}`)

const textAt = (tree: string, { feature, name }: EntryType) => `${tree}['${feature}']['${name}']`

/** The functions of a client, with their inputs and outputs by reference. */
export const printClient = (printer: TypePrinter, client: ts.Type, describe: Describe): string =>
  printNested(printer, client, (entry) => {
    const { checker } = printer
    const [signature] = entry.type.getCallSignatures()
    if (!signature) throw new Error(`client.${entry.feature}.${entry.name} is no function`)
    const parameters = signature.parameters.map((parameter) => {
      const mark = isOptional(parameter) ? '?' : ''
      const type = checker.getNonNullableType(checker.getTypeOfSymbol(parameter))
      return `${parameter.name}${mark}: ${parameter.name === 'input' ? textAt('Inputs', entry) : printer.print(type)}`
    })
    const sentence = describe(entry.feature, entry.name)
    const comment = sentence ? `    /** ${sentence} */\n` : ''
    // A promise for most, an iterable for a subscription: of one output either way.
    const result = `${signature.getReturnType().symbol.name}<${textAt('Outputs', entry)}>`
    return `${comment}    readonly ${entry.name}: (${parameters.join(', ')}) => ${result}`
  })

const isOptional = ({ valueDeclaration }: ts.Symbol) =>
  valueDeclaration !== undefined && ts.isParameter(valueDeclaration) && valueDeclaration.questionToken !== undefined

/** The router, as tRPC's types want it. */
export const printRouter = (printer: TypePrinter, router: ts.Type): string => {
  const { checker } = printer
  const at = (type: ts.Type, name: string): ts.Type => {
    const property = checker.getPropertyOfType(type, name)
    if (!property) throw new Error(`the router has no ${name}`)
    return checker.getTypeOfSymbol(property)
  }
  const procedures = printNested(printer, at(at(router, '_def'), 'record'), (entry) => {
    const [definition] = checker.getTypeArguments(entry.type as ts.TypeReference)
    const output = definition && at(definition, 'output')
    const isNothing = output !== undefined && (output.flags & ts.TypeFlags.Undefined) !== 0
    const isStream = output?.symbol?.name === 'AsyncIterable'
    const answer = isStream ? `Tracked<${textAt('Outputs', entry)}>` : textAt('Outputs', entry)
    const input = textAt('Inputs', entry)
    return `    readonly ${entry.name}: TRPC${entry.type.symbol.name}<Def<${input}, ${isNothing ? 'undefined' : answer}>>`
  })
  return `interface Def<I, O> {
  input: I
  output: O
  meta: object
}

type Tracked<T> = AsyncIterable<{ readonly id: string; readonly data: T }>

type Procedures = ${procedures}

/** The tRPC router of this API, for \`createTRPCClient<Router>\` and its kind. */
export interface Router {
  readonly _def: TRPCRouterDef<Root, Procedures>
  readonly createCaller: never
}`
}
