import type { Finding } from './change.ts'
import type { Pair } from './comparison.ts'
import { canonical, isSame, listOf, type Part, partOf, resolved } from './document.ts'

/** One way to be let in: scopes by scheme, the schemes by what they are and not by their names. */
type Way = ReadonlyMap<string, readonly string[]>

/** Whoever was let in before must be let in still. That more people are is for a person to look at. */
export const compareAccess = ({ older, newer }: Pair, was: Part, is: Part): Finding[] => {
  const [before, after] = [waysOf(older, was), waysOf(newer, is)]
  const isKept = before.every((way) => after.some((other) => opens(way, other)))
  if (isKept && after.every((way) => before.some((other) => opens(way, other)))) return []
  const text = `access changed from ${shown(older, was)} to ${shown(newer, is)}`
  return [{ verdict: isKept ? 'look' : 'breaking', kind: 'changed', place: '', text }]
}

/** No requirement at all is a way without schemes. */
const waysOf = (document: Part, operation: Part): Way[] => {
  const ways = requirementsOf(document, operation).map(
    (requirement) =>
      new Map(
        Object.entries(requirement).map(([name, scopes]) => [schemeOf(document, name), listOf(scopes).map(String)]),
      ),
  )
  return ways.length === 0 ? [new Map()] : ways
}

const requirementsOf = (document: Part, { security = document.security }: Part): Part[] => listOf(security).map(partOf)

const schemeOf = (document: Part, name: string): string => {
  const { description: _, ...scheme } = resolved(document, partOf(partOf(document.components).securitySchemes)[name])
  return canonical(scheme)
}

/** Whether what the one way asks for is enough for the other. */
const opens = (one: Way, other: Way) =>
  [...other].every(([scheme, scopes]) => {
    const held = one.get(scheme)
    return held !== undefined && scopes.every((scope) => held.includes(scope))
  })

const shown = (document: Part, operation: Part): string => {
  const requirements = requirementsOf(document, operation)
  if (requirements.length === 0 || requirements.some((one) => isSame(one, {}))) return 'anyone'
  return requirements
    .map((one) =>
      Object.entries(one)
        .map(([name, scopes]) => `\`${[name, ...listOf(scopes)].join(' ')}\``)
        .join(' and '),
    )
    .join(' or ')
}
