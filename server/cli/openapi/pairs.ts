import { type Alternative, alternativesOf } from './alternatives.ts'
import type { Pair } from './comparison.ts'
import { canonical, listOf, type Part, partOf } from './document.ts'

export interface Pairs {
  readonly both: readonly (readonly [older: Alternative, newer: Alternative])[]
  readonly gone: readonly Alternative[]
  readonly fresh: readonly Alternative[]
}

/**
 * Which form of the older schema became which of the newer one: by type, then by the constants that tell forms apart,
 * then by content, then by order.
 */
export const pairsOf = ({ older, newer }: Pair, was: readonly Alternative[], is: readonly Alternative[]): Pairs => {
  const both: [Alternative, Alternative][] = []
  let [gone, fresh] = [[...was], [...is]]
  const take = (nameOld: (one: Alternative) => string | undefined, nameNew: typeof nameOld) => {
    for (const one of gone) {
      const name = nameOld(one)
      const other = name === undefined ? undefined : fresh.find((candidate) => nameNew(candidate) === name)
      if (!other) continue
      both.push([one, other])
      fresh = fresh.filter((candidate) => candidate !== other)
      gone = gone.filter((candidate) => candidate !== one)
    }
  }
  const lone = (all: readonly Alternative[]) => (one: Alternative) =>
    all.filter(({ type }) => type === one.type).length === 1 ? typeName(one) : undefined
  take(lone(was), lone(is))
  take(
    (one) => tagOf(older, one),
    (one) => tagOf(newer, one),
  )
  take(canonical, canonical)
  take(
    (one) => (tagOf(older, one) ? undefined : typeName(one)),
    (one) => (tagOf(newer, one) ? undefined : typeName(one)),
  )
  take(numeric, numeric)
  return { both, gone, fresh }
}

export const typeName = ({ type }: Alternative): string => (type === undefined ? 'any' : String(type))

/** An integer is a number. */
const numeric = ({ type }: Alternative) => (type === 'integer' || type === 'number' ? 'number' : undefined)

/** The constants of an object, by which a reader tells it from the others; undefined when it has none. */
export const tagOf = (document: Part, { properties, required }: Alternative): string | undefined => {
  const tags = Object.entries(partOf(properties)).flatMap(([name, schema]) => {
    if (!listOf(required).includes(name)) return []
    const [form, ...others] = alternativesOf(document, schema)
    const values = listOf(form?.enum)
    return others.length === 0 && values.length === 1 ? [`${name} ${JSON.stringify(values[0])}`] : []
  })
  return tags.length === 0 ? undefined : tags.join(', ')
}
