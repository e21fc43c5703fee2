import ts from 'typescript'
import type { TypePrinter } from './typePrinter.ts'

/**
 * Prints a union by its members. TypeScript keeps no trace of `Json` in `Json | undefined`, so named unions are found
 * again by their members.
 */
export const printUnion = (printer: TypePrinter, union: ts.UnionType): string => {
  const rest = new Set<ts.Type>(union.types)
  const parts: string[] = []
  for (const [named] of printer.namedUnions()) {
    if (named === union || !named.types.every((member) => rest.has(member))) continue
    for (const member of named.types) rest.delete(member)
    parts.push(printer.print(named))
  }
  return [...parts, ...membersOf(printer, rest)].join(' | ')
}

/** `true | false` is said as boolean; null and undefined stand last, as people write them. */
const membersOf = (printer: TypePrinter, members: ReadonlySet<ts.Type>): readonly string[] => {
  const flagged = (flag: ts.TypeFlags) => [...members].filter((member) => member.flags & flag)
  const booleans = flagged(ts.TypeFlags.BooleanLiteral)
  const last = [...flagged(ts.TypeFlags.Null), ...flagged(ts.TypeFlags.Undefined)]
  const others = [...members].filter((member) => !booleans.includes(member) && !last.includes(member))
  const texts = [...others, ...(booleans.length === 2 ? [] : booleans)].map(printer.print)
  return [...texts, ...(booleans.length === 2 ? ['boolean'] : []), ...last.map(printer.print)]
}
