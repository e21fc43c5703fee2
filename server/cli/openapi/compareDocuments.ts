import type { Change, Finding } from './change.ts'
import { compareAccess } from './compareAccess.ts'
import { compareBody, compareParameters, described, type Placed } from './compareInput.ts'
import { compareResponses } from './compareOutput.ts'
import type { Pair } from './comparison.ts'
import { isSame, type Part, partOf, resolved } from './document.ts'

/**
 * Every change from a released document to a newer one, with a verdict on each. Both come from `readDocument`.
 * Operations are the same when verb and path are; the names in a path's braces are parameters.
 */
export const compareDocuments = (older: Part, newer: Part): Change[] => {
  const [before, after] = [operationsOf(older), operationsOf(newer)]
  const changes = [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)]
    const operation = nameOf((was ?? is) as Placed & Route)
    const findings = was && is ? compareOperations({ older, newer }, was, is) : [only(was ?? is, is !== undefined)]
    return findings.map((finding): Change => ({ operation, ...finding }))
  })
  return [...compareHeads(older, newer), ...changes]
}

interface Route {
  readonly verb: string
  readonly template: string
}

const verbs = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

const operationsOf = (document: Part): Map<string, Placed & Route> => {
  const all = Object.entries(partOf(document.paths)).flatMap(([template, item]) => {
    const path = resolved(document, item)
    return verbs
      .filter((verb) => verb in path)
      .map((verb): [string, Placed & Route] => {
        const key = `${verb} ${template.replaceAll(/\{[^}]*\}/g, '{}')}`
        return [key, { verb: verb.toUpperCase(), template, path, operation: partOf(path[verb]) }]
      })
  })
  return new Map(all)
}

const nameOf = ({ verb, template, operation: { operationId } }: Placed & Route) =>
  typeof operationId === 'string' ? operationId : `${verb} ${template}`

const only = (one: (Placed & Route) | undefined, isNew: boolean): Finding => {
  const route = `\`${one?.verb} ${one?.template}\``
  if (isNew) return { verdict: 'compatible', kind: 'added', place: '', text: `${route} was added` }
  return { verdict: 'breaking', kind: 'removed', place: '', text: `${route} was removed` }
}

const compareOperations = (at: Pair, was: Placed, is: Placed): Finding[] => [
  ...compareNames(was.operation, is.operation),
  ...compareAccess(at, was.operation, is.operation),
  ...compareParameters(at, was, is),
  ...compareBody(at, was, is),
  ...compareResponses(at, was, is),
  ...compareRest(was.operation, is.operation),
]

const compareNames = (was: Part, is: Part): Finding[] => {
  const renamed: Finding = {
    verdict: 'breaking',
    kind: 'changed',
    place: '',
    text: `the operation id changed to \`${is.operationId}\``,
  }
  const words = ['summary', 'description', 'tags', 'externalDocs'].filter((name) => !isSame(was[name], is[name]))
  const isEnding = is.deprecated === true && was.deprecated !== true
  return [
    ...(was.operationId === is.operationId ? [] : [renamed]),
    ...(isEnding ? [{ verdict: 'compatible', kind: 'changed', place: '', text: 'is deprecated now' } as const] : []),
    ...words.map((name) => described('', `\`${name}\` changed`)),
  ]
}

const known = new Set(
  'operationId summary description tags externalDocs deprecated security parameters requestBody responses'.split(' '),
)

/** What no rule is made for is not passed over. */
const compareRest = (was: Part, is: Part): Finding[] => otherKeys(was, is, known)

const otherKeys = (was: Part, is: Part, ruled: ReadonlySet<string>): Finding[] =>
  [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter((key) => !ruled.has(key) && !isSame(was[key], is[key]))
    .map((key) => ({ verdict: 'look', kind: 'changed', place: '', text: `\`${key}\` changed` }))

const ruledHeads = new Set(['openapi', 'info', 'tags', 'externalDocs', 'security', 'paths', 'components'])

/** Components count where they are used, the default `security` in every operation that has none of its own. */
const compareHeads = (older: Part, newer: Part): Change[] => {
  const words = ['openapi', 'info', 'tags', 'externalDocs'].filter((name) => !isSame(older[name], newer[name]))
  return [...otherKeys(older, newer, ruledHeads), ...words.map((name) => described('', `\`${name}\` changed`))]
}
