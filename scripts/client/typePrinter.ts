import ts from 'typescript'
import { printObject } from './objectPrinter.ts'
import { printUnion } from './unionPrinter.ts'

/** A type that is printed by its name wherever it occurs. */
export interface NamedType {
  readonly name: string
  readonly type: ts.Type
  readonly comment?: string
  /** The module that declares it. Without one, the printer declares it itself. */
  readonly from?: string
}

export interface TypePrinter {
  readonly checker: ts.TypeChecker
  /** The type as text, written out but for the names it knows. */
  readonly print: (type: ts.Type) => string
  readonly nameOf: (type: ts.Type) => string | undefined
  /** Unions that have a name: part of a larger union they have no type of their own. */
  readonly namedUnions: () => ReadonlyMap<ts.UnionType, string>
  readonly isBuiltIn: (symbol: ts.Symbol) => boolean
  /** What has been named so far, each to be declared or imported. Printing one may name more. */
  readonly used: ReadonlyMap<string, NamedType>
  /** The type written out even though it has a name: the right side of its declaration. */
  readonly printBody: (type: ts.Type) => string
}

const textFlags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType

/**
 * Prints types as the compiler computed them, as text that needs no other file but those of `named`. A type that
 * contains itself becomes an interface of its own. Refuses `any`, and whatever cannot be said in data.
 */
export const createTypePrinter = (program: ts.Program, named: readonly NamedType[]): TypePrinter => {
  const checker = program.getTypeChecker()
  const names = new Map(named.map((entry) => [entry.type, entry]))
  const used = new Map<string, NamedType>()
  const open = new Set<ts.Type>()

  const use = (entry: NamedType) => {
    used.set(entry.name, entry)
    return entry.name
  }
  const nameAnew = (type: ts.Type) => {
    const word = (type.aliasSymbol ?? type.symbol)?.name.replace(/^__.*/, '') || 'Recursive'
    const isTaken = [...names.values()].some(({ name }) => name === word)
    const entry = { name: isTaken ? `${word}${names.size}` : word, type }
    names.set(type, entry)
    return use(entry)
  }
  const printBody = (type: ts.Type): string => {
    if (type.flags & ts.TypeFlags.Any) throw new Error('a type of the client came out as any')
    if (type.isUnion() && !(type.flags & ts.TypeFlags.Boolean)) return printUnion(printer, type)
    if (type.isIntersection()) return type.types.map(print).join(' & ')
    if (type.flags & ts.TypeFlags.Object) return printObject(printer, type)
    return checker.typeToString(type, undefined, textFlags)
  }
  const print = (type: ts.Type): string => {
    const known = names.get(type)
    if (known) return use(known)
    if (open.has(type)) return nameAnew(type)
    const canRecur = (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Union)) !== 0
    if (canRecur) open.add(type)
    const text = printBody(type)
    open.delete(type)
    return names.get(type)?.name ?? text
  }
  const printer: TypePrinter = {
    checker,
    print,
    printBody,
    used,
    nameOf: (type) => names.get(type)?.name,
    namedUnions: () => unionsOf(names),
    isBuiltIn: (symbol) =>
      symbol.declarations?.some((node) => program.isSourceFileDefaultLibrary(node.getSourceFile())) === true,
  }
  return printer
}

const unionsOf = (names: ReadonlyMap<ts.Type, NamedType>) => {
  const unions = new Map<ts.UnionType, string>()
  for (const [type, { name }] of names) if (type.isUnion()) unions.set(type, name)
  return unions
}
