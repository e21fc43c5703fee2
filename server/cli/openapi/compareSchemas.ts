import { type Alternative, alternativesOf } from './alternatives.ts'
import { type Finding, narrowed, type Verdict, widened } from './change.ts'
import type { Comparison } from './comparison.ts'
import { canonical, isSame, listOf, type Part, partOf } from './document.ts'
import { compareKeywords } from './keywords.ts'
import { type Pairs, pairsOf, tagOf, typeName } from './pairs.ts'

/**
 * Compares what two schemas allow, whatever their names and however they are put together. Schemas that contain
 * themselves are followed until a pair comes again.
 */
export const compareSchemas = (at: Comparison, was: unknown, is: unknown): Finding[] => {
  const { place, open } = at
  const pair = `${canonical(was)}\n${canonical(is)}`
  if (open.includes(pair)) return []
  if (open.length === depthMax) return [{ verdict: 'look', kind: 'changed', place, text: 'is too deep to compare' }]
  const inner = { ...at, open: [...open, pair] }
  const pairs = pairsOf(at, alternativesOf(at.older, was), alternativesOf(at.newer, is))
  return [...compareTypes(at, pairs), ...pairs.both.flatMap(([one, other]) => compareForms(inner, one, other))]
}

const depthMax = 100

const compareTypes = ({ older, newer, direction, place }: Comparison, { both, gone, fresh }: Pairs): Finding[] => {
  const change = (verdict: Verdict, text: string): Finding => ({ verdict, kind: 'changed', place, text })
  if (gone.length > 0 && fresh.length > 0 && both.length === 0) {
    const text = `the type changed from ${namesOf(older, gone)} to ${namesOf(newer, fresh)}`
    if (fresh.some(({ type }) => type === undefined)) return [change(widened(direction), text)]
    return [change(gone.some(({ type }) => type === undefined) ? narrowed(direction) : 'breaking', text)]
  }
  return [
    ...gone.map((form) => change(narrowed(direction), `can no longer be ${namesOf(older, [form])}`)),
    ...fresh.map((form) => {
      // Readers that pass over tags they do not know go on.
      const isTold = direction === 'output' && tagOf(newer, form) !== undefined && both.length > 0
      return change(isTold ? 'look' : widened(direction), `can be ${namesOf(newer, [form])} now`)
    }),
  ]
}

const namesOf = (document: Part, forms: readonly Alternative[]) =>
  forms.map((form) => `\`${tagOf(document, form) ?? typeName(form)}\``).join(' or ')

const compareForms = (at: Comparison, was: Alternative, is: Alternative): Finding[] => [
  ...compareNumbers(at, was, is),
  ...compareKeywords(at, was, is),
  ...compareProperties(at, was, is),
  ...compareItems(at, was, is),
  ...compareOthers(at, was, is),
]

const compareNumbers = ({ direction, place }: Comparison, was: Alternative, is: Alternative): Finding[] => {
  if (was.type === is.type) return []
  const verdict = was.type === 'integer' ? widened(direction) : narrowed(direction)
  return [{ verdict, kind: 'changed', place, text: `the type changed from \`${was.type}\` to \`${is.type}\`` }]
}

const compareItems = (at: Comparison, was: Alternative, is: Alternative): Finding[] =>
  was.items === undefined && is.items === undefined
    ? []
    : compareSchemas({ ...at, place: `${at.place}[]` }, was.items ?? {}, is.items ?? {})

const compareProperties = (at: Comparison, was: Alternative, is: Alternative): Finding[] => {
  const [before, after] = [partOf(was.properties), partOf(is.properties)]
  const needs = (form: Alternative, name: string) => listOf(form.required).includes(name)
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name): Finding[] => {
    const place = at.place === '' || at.place.endsWith(' ') ? `${at.place}${name}` : `${at.place}.${name}`
    const here = { ...at, place }
    if (!(name in after)) return [{ verdict: 'breaking', kind: 'removed', place, text: 'was removed' }]
    if (!(name in before)) return [added(here, needs(is, name))]
    return [
      ...comparePresence(here, needs(was, name), needs(is, name)),
      ...compareSchemas(here, before[name], after[name]),
    ]
  })
}

/** Of a field, a parameter, a header or a body that the newer document alone has. */
export const added = ({ direction, place }: Comparison, isRequired: boolean): Finding => {
  if (direction === 'output') return { verdict: 'compatible', kind: 'added', place, text: 'was added' }
  const text = isRequired ? 'was added and must be sent' : 'was added and may be sent'
  return { verdict: isRequired ? 'breaking' : 'compatible', kind: 'added', place, text }
}

/** Of one that both documents have. */
export const comparePresence = ({ direction, place }: Comparison, was: boolean, is: boolean): Finding[] => {
  if (was === is) return []
  const verb = direction === 'input' ? 'sent' : 'there'
  const text = is ? `must be ${verb} now` : `need not be ${verb} any more`
  return [{ verdict: is ? narrowed(direction) : widened(direction), kind: 'changed', place, text }]
}

/** Fields that no name stands for. Answers may grow at any time, so a freer answer is looked at and not refused. */
const compareOthers = (at: Comparison, was: Alternative, is: Alternative): Finding[] => {
  const { direction, place } = at
  const [before, after] = [was.additionalProperties ?? true, is.additionalProperties ?? true]
  if (isFree(before) && isFree(after)) return []
  if (isSame(before, after) && before === false) return []
  if (before !== false && after !== false && !isFree(before) && !isFree(after))
    return compareSchemas({ ...at, place: `${place}.*` }, before, after)
  const isWider = before === false || isFree(after)
  const wider = direction === 'output' ? 'look' : 'compatible'
  const text = isWider ? 'takes more fields than it names now' : 'takes fewer fields than before'
  return [{ verdict: isWider ? wider : narrowed(direction), kind: 'changed', place, text }]
}

const isFree = (others: unknown) => others === true || isSame(others, {})
