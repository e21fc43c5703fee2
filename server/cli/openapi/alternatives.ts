import { canonical, isPart, isSame, listOf, type Part, partOf, target } from './document.ts'

/**
 * One of the forms a value may have: keywords of one type, without references and combinations. `type` is absent when
 * any type will do; `const` is an `enum` of one.
 */
export type Alternative = Part

/**
 * The forms that a schema allows: `anyOf`, `oneOf` and lists of types taken apart, `allOf` and references put in. What
 * is inside of properties and items stays as it is. An empty list: nothing is allowed.
 */
export const alternativesOf = (document: Part, schema: unknown, passed: readonly string[] = []): Alternative[] => {
  if (schema === false) return []
  const { $ref, allOf, anyOf, oneOf, ...own } = partOf(schema)
  const inside = (part: unknown) => alternativesOf(document, part, passed)
  const unions = [anyOf, oneOf].filter(Array.isArray).map((union: unknown[]) => union.flatMap(inside))
  const factors: Alternative[][] = [byType(own), ...listOf(allOf).map(inside), ...unions]
  // A schema that names itself without anything between says nothing by it.
  if (typeof $ref === 'string' && !passed.includes($ref))
    factors.push(alternativesOf(document, target(document, $ref), [...passed, $ref]))
  return distinct(factors.reduce(product))
}

const product = (some: Alternative[], others: Alternative[]): Alternative[] =>
  some.flatMap((one) => others.map((other) => merged(one, other)).filter((both) => both !== undefined))

const distinct = (some: Alternative[]): Alternative[] => [
  ...new Map(some.map((one): [string, Alternative] => [canonical(one), one])).values(),
]

const byType = ({ const: only, ...schema }: Part): Alternative[] => {
  const values = only === undefined ? schema.enum : [only]
  const { enum: _, type, ...rest } = schema
  const types = typeof type === 'string' ? [type] : listOf(type)
  if (!Array.isArray(values)) return types.length === 0 ? [rest] : types.map((name) => typed(rest, String(name)))
  const names = types.length === 0 ? [...new Set(values.map(typeOf))] : types.map(String)
  return names.flatMap((name) => {
    const some = values.filter((value) => isOfType(value, name))
    return some.length === 0 ? [] : [name === 'null' ? { type: 'null' } : { ...typed(rest, name), enum: some }]
  })
}

const typed = (rest: Part, type: string): Alternative => (type === 'null' ? { type } : { ...rest, type })

const typeOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

const isOfType = (value: unknown, type: string) =>
  typeOf(value) === type || (type === 'integer' && Number.isInteger(value))

/** What both allow, or undefined when their types exclude each other. */
const merged = (a: Alternative, b: Alternative): Alternative | undefined => {
  const type = commonType(a.type, b.type)
  if (type === null) return undefined
  if (type === 'null') return { type }
  const shared = Object.keys(a).filter((key) => key in b)
  const values = Object.fromEntries(shared.map((key) => [key, mergedKeyword(key, a[key], b[key])]))
  return { ...a, ...b, ...values, ...(type && { type }) }
}

/** Undefined for any type, null for none. */
const commonType = (a: unknown, b: unknown): string | null | undefined => {
  if (a === undefined || b === undefined) return (a ?? b) as string | undefined
  if (a === b) return a as string
  return [a, b].sort().join() === 'integer,number' ? 'integer' : null
}

const mergedKeyword = (key: string, a: unknown, b: unknown): unknown => {
  if (key === 'required') return [...new Set([...listOf(a), ...listOf(b)])]
  if (key === 'enum') return listOf(a).filter((value) => listOf(b).some((other) => isSame(value, other)))
  if (key === 'properties') return mergedProperties(partOf(a), partOf(b))
  if (key === 'items' || key === 'additionalProperties') return bothOf(a, b)
  if (/^min|^exclusiveMin/.test(key)) return Math.max(Number(a), Number(b))
  if (/^max|^exclusiveMax/.test(key)) return Math.min(Number(a), Number(b))
  return b
}

const mergedProperties = (a: Part, b: Part): Part => ({
  ...a,
  ...Object.fromEntries(
    Object.entries(b).map(([name, schema]) => [name, name in a ? bothOf(a[name], schema) : schema]),
  ),
})

/** Kept flat and without doubles, so that schemas which contain themselves do not grow on the way down. */
const bothOf = (a: unknown, b: unknown): unknown => {
  const parts = [a, b].flatMap((part) =>
    isPart(part) && isSame(Object.keys(part), ['allOf']) ? listOf(part.allOf) : [part],
  )
  const different = [...new Map(parts.map((part) => [canonical(part), part])).values()]
  return different.length === 1 ? different[0] : { allOf: different }
}
