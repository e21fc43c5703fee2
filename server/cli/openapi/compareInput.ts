import type { Finding } from './change.ts'
import { added, comparePresence, compareSchemas } from './compareSchemas.ts'
import type { Comparison, Pair } from './comparison.ts'
import { isSame, listOf, type Part, partOf, resolved } from './document.ts'

/** An operation together with the path it stands at, which may hold parameters too. */
export interface Placed {
  readonly operation: Part
  readonly path: Part
}

/** Parameters by where they are sent and their name; headers by their name in any case. */
export const compareParameters = (at: Pair, was: Placed, is: Placed): Finding[] => {
  const [before, after] = [parametersOf(at.older, was), parametersOf(at.newer, is)]
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((place): Finding[] => {
    const [one, other] = [before.get(place), after.get(place)]
    const here: Comparison = { ...at, direction: 'input', place, open: [] }
    if (!other) return [{ verdict: 'breaking', kind: 'removed', place, text: 'was removed' }]
    if (!one) return [added(here, other.required === true)]
    return [
      ...comparePresence(here, one.required === true, other.required === true),
      ...compareEncoding(here, one, other),
      ...compareSchemas(here, schemaOf(one), schemaOf(other)),
      ...(one.description === other.description ? [] : [described(place)]),
    ]
  })
}

export const described = (place: string, text = '`description` changed'): Finding => ({
  verdict: 'compatible',
  kind: 'described',
  place,
  text,
})

const parametersOf = (document: Part, { operation, path }: Placed): Map<string, Part> => {
  const all = [...listOf(path.parameters), ...listOf(operation.parameters)].map((one) => resolved(document, one))
  return new Map(
    all.map((one) => [`${one.in} ${one.in === 'header' ? String(one.name).toLowerCase() : one.name}`, one]),
  )
}

/** A parameter with `content` has one media type. */
const schemaOf = ({ schema, content }: Part): unknown =>
  schema ?? partOf(Object.values(partOf(content))[0]).schema ?? {}

const compareEncoding = ({ place }: Comparison, was: Part, is: Part): Finding[] => {
  const encodingOf = ({ style, explode, allowReserved, content }: Part) => [
    style,
    explode,
    allowReserved ?? false,
    Object.keys(partOf(content)),
  ]
  if (isSame(encodingOf(was), encodingOf(is))) return []
  return [{ verdict: 'breaking', kind: 'changed', place, text: 'is written in another way' }]
}

export const compareBody = (at: Pair, was: Placed, is: Placed): Finding[] => {
  const [before, after] = [was.operation.requestBody, is.operation.requestBody]
  if (before === undefined && after === undefined) return []
  const [one, other] = [resolved(at.older, before), resolved(at.newer, after)]
  const here: Comparison = { ...at, direction: 'input', place: 'body', open: [] }
  if (before === undefined) return [added(here, other.required === true)]
  if (after === undefined) return [{ verdict: 'breaking', kind: 'removed', place: 'body', text: 'was removed' }]
  return [...comparePresence(here, one.required === true, other.required === true), ...compareContent(here, one, other)]
}

/** Bodies by media type. The place of a body that all know as JSON does not name its type. */
export const compareContent = (at: Comparison, was: Part, is: Part): Finding[] => {
  const { direction, place } = at
  const [before, after] = [partOf(was.content), partOf(is.content)]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((media): Finding[] => {
    if (!(media in after)) return [{ verdict: 'breaking', kind: 'removed', place, text: `\`${media}\` was removed` }]
    if (!(media in before)) {
      // A reply that had no body, or another media type, may be another one for callers who do not ask for a type.
      const verdict = direction === 'input' ? 'compatible' : 'look'
      return [{ verdict, kind: 'added', place, text: `\`${media}\` was added` }]
    }
    const [one, other] = [partOf(before[media]), partOf(after[media])]
    return compareSchemas(at, one.schema ?? {}, other.schema ?? {})
  })
}
