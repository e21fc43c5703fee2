import ts from 'typescript'
import type { TypePrinter } from './typePrinter.ts'

/** Prints an array, a tuple, a type of the language such as a Promise, or an object with its properties. */
export const printObject = (printer: TypePrinter, type: ts.Type): string => {
  const { checker } = printer
  if (checker.isTupleType(type)) return printTuple(printer, type as ts.TypeReference)
  if (checker.isArrayType(type)) return printArray(printer, type as ts.TypeReference)
  if (type.symbol && !type.symbol.name.startsWith('__') && printer.isBuiltIn(type.symbol))
    return printBuiltIn(printer, type)
  const members = membersOf(printer, type)
  return members.length === 0 ? '{}' : `{ ${members.join('; ')} }`
}

/** The properties and index signatures of an object, each as it stands in an interface. */
export const membersOf = ({ checker, print }: TypePrinter, type: ts.Type): readonly string[] => {
  if (type.getCallSignatures().length > 0)
    throw new Error(`a function in data cannot be printed: ${checker.typeToString(type)}`)
  const indexes = checker
    .getIndexInfosOfType(type)
    .map((info) => `${info.isReadonly ? 'readonly ' : ''}[key: ${print(info.keyType)}]: ${print(info.type)}`)
  const properties = checker.getPropertiesOfType(type).map((property) => {
    if (property.name.startsWith('__@')) throw new Error(`a brand cannot be printed: ${checker.typeToString(type)}`)
    const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0
    const value = withoutMissing(checker, checker.getTypeOfSymbol(property), isOptional).map(print)
    const key = /^[A-Za-z_$][\w$]*$/.test(property.name) ? property.name : JSON.stringify(property.name)
    return `${isReadonly(property) ? 'readonly ' : ''}${key}${isOptional ? '?' : ''}: ${value.join(' | ')}`
  })
  return [...indexes, ...properties]
}

/**
 * With exactOptionalPropertyTypes the type of an optional property holds an `undefined` that stands for its absence;
 * printed it would be taken for one that may be passed.
 */
const withoutMissing = (checker: ts.TypeChecker, type: ts.Type, isOptional: boolean): readonly ts.Type[] => {
  const isMissing = (part: ts.Type) =>
    (part.flags & ts.TypeFlags.Undefined) !== 0 && part !== checker.getUndefinedType()
  if (!isOptional || !type.isUnion() || !type.types.some(isMissing)) return [type]
  const nothings = type.types.filter((part) => part.flags & (ts.TypeFlags.Null | ts.TypeFlags.Undefined))
  return [checker.getNonNullableType(type), ...nothings.filter((part) => !isMissing(part))]
}

/** The compiler's mark on the properties of mapped types, which have no modifiers to read. */
const checkFlagReadonly = 8

const isReadonly = (property: ts.Symbol): boolean => {
  const { links } = property as { links?: { checkFlags?: number } }
  if (((links?.checkFlags ?? 0) & checkFlagReadonly) !== 0) return true
  const declaration = property.valueDeclaration
  return declaration !== undefined && (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Readonly) !== 0
}

const printArray = ({ checker, print }: TypePrinter, type: ts.TypeReference): string => {
  const [item] = checker.getTypeArguments(type)
  const text = item ? print(item) : 'unknown'
  const isMutable = type.symbol.name !== 'ReadonlyArray'
  if (!/^\w+$/.test(text)) return `${type.symbol.name}<${text}>`
  return isMutable ? `${text}[]` : `readonly ${text}[]`
}

const printTuple = ({ checker, print }: TypePrinter, type: ts.TypeReference): string => {
  const target = type.target as ts.TupleType
  const items = checker.getTypeArguments(type).map((item, index) => {
    const flags = target.elementFlags[index] ?? ts.ElementFlags.Required
    if (flags & ts.ElementFlags.Rest) return `...Array<${print(item)}>`
    return flags & ts.ElementFlags.Optional ? `(${print(item)})?` : print(item)
  })
  return `${target.readonly ? 'readonly ' : ''}[${items.join(', ')}]`
}

const printBuiltIn = ({ checker, print }: TypePrinter, type: ts.Type): string => {
  const items = checker.getTypeArguments(type as ts.TypeReference).map(print)
  return items.length === 0 ? type.symbol.name : `${type.symbol.name}<${items.join(', ')}>`
}
