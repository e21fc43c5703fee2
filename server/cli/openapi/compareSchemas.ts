import { type Alternative, alternativesOf } from './alternatives.ts'
import { type Direction, type Finding, narrowed, type Verdict, widened } from './change.ts'
import { canonical, isSame, listOf, type Part, partOf } from './document.ts'
import { compareKeywords } from './keywords.ts'
import { pairsOf, tagOf, typeName } from './pairs.ts'

/** The two documents that references lead into. */
export interface Pair {
  readonly older: Part
  readonly newer: Part
}

/** Which way the values go too, and the pairs of schemas on the way down to here. */
export interface Comparison extends Pair {
  readonly direction: Direction
  readonly open: readonly string[]
}

/**
 * Compares what two schemas allow, whatever their names and however they are put together. Schemas that contain
 * themselves are followed until a pair comes again.
 */
export const compareSchemas = (at: Comparison, was: unknown, is: unknown, place: string): Finding[] => {
  const pair = `${canonical(was)}\n${canonical(is)}`
  if (at.open.includes(pair)) return []
  if (at.open.length === depthMax) return [{ verdict: 'look', kind: 'changed', place, text: 'is too deep to compare' }]
  const inner = { ...at, open: [...at.open, pair] }
  const [older, newer] = [alternativesOf(at.older, was), alternativesOf(at.newer, is)]
  const { both, gone, fresh } = pairsOf(at.older, older, at.newer, newer)
  return [
    ...compareTypes(at, gone, fresh, both.length > 0, place),
    ...both.flatMap(([one, other]) => compareForms(inner, one, other, place)),
  ]
}

const depthMax = 100

const compareTypes = (
  { older, newer, direction }: Comparison,
  gone: readonly Alternative[],
  fresh: readonly Alternative[],
  isSomeKept: boolean,
  place: string,
): Finding[] => {
  const change = (verdict: Verdict, text: string): Finding => ({ verdict, kind: 'changed', place, text })
  if (gone.length > 0 && fresh.length > 0 && !isSomeKept) {
    const text = `the type changed from ${namesOf(older, gone)} to ${namesOf(newer, fresh)}`
    if (fresh.some(({ type }) => type === undefined)) return [change(widened(direction), text)]
    return [change(gone.some(({ type }) => type === undefined) ? narrowed(direction) : 'breaking', text)]
  }
  return [
    ...gone.map((form) => change(narrowed(direction), `can no longer be ${namesOf(older, [form])}`)),
    ...fresh.map((form) => {
      // Readers that pass over tags they do not know go on.
      const isTold = direction === 'output' && tagOf(newer, form) !== undefined && isSomeKept
      return change(isTold ? 'look' : widened(direction), `can be ${namesOf(newer, [form])} now`)
    }),
  ]
}

const namesOf = (document: Part, forms: readonly Alternative[]) =>
  forms.map((form) => `\`${tagOf(document, form) ?? typeName(form)}\``).join(' or ')

const compareForms = (at: Comparison, was: Alternative, is: Alternative, place: string): Finding[] => [
  ...compareNumbers(at.direction, was, is, place),
  ...compareKeywords(was, is, at.direction, place),
  ...compareProperties(at, was, is, place),
  ...compareItems(at, was, is, place),
  ...compareOthers(at, was, is, place),
]

const compareNumbers = (direction: Direction, was: Alternative, is: Alternative, place: string): Finding[] => {
  if (was.type === is.type) return []
  const verdict = was.type === 'integer' ? widened(direction) : narrowed(direction)
  return [{ verdict, kind: 'changed', place, text: `the type changed from \`${was.type}\` to \`${is.type}\`` }]
}

const compareItems = (at: Comparison, was: Alternative, is: Alternative, place: string): Finding[] =>
  was.items === undefined && is.items === undefined
    ? []
    : compareSchemas(at, was.items ?? {}, is.items ?? {}, `${place}[]`)

const compareProperties = (at: Comparison, was: Alternative, is: Alternative, place: string): Finding[] => {
  const [before, after] = [partOf(was.properties), partOf(is.properties)]
  const needs = (form: Alternative, name: string) => listOf(form.required).includes(name)
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name): Finding[] => {
    const here = place === '' || place.endsWith(' ') ? `${place}${name}` : `${place}.${name}`
    if (!(name in after)) return [{ verdict: 'breaking', kind: 'removed', place: here, text: 'was removed' }]
    if (!(name in before)) return [addedField(at.direction, needs(is, name), here)]
    return [
      ...comparePresence(at.direction, needs(was, name), needs(is, name), here),
      ...compareSchemas(at, before[name], after[name], here),
    ]
  })
}

const addedField = (direction: Direction, isRequired: boolean, place: string): Finding => {
  if (direction === 'output') return { verdict: 'compatible', kind: 'added', place, text: 'was added' }
  const text = isRequired ? 'was added and must be sent' : 'was added and may be sent'
  return { verdict: isRequired ? 'breaking' : 'compatible', kind: 'added', place, text }
}

/** Of a field, a parameter or a body that both documents have. */
export const comparePresence = (direction: Direction, was: boolean, is: boolean, place: string): Finding[] => {
  if (was === is) return []
  const verb = direction === 'input' ? 'sent' : 'there'
  const text = is ? `must be ${verb} now` : `need not be ${verb} any more`
  return [{ verdict: is ? narrowed(direction) : widened(direction), kind: 'changed', place, text }]
}

/** Fields that no name stands for. Answers may grow at any time, so a freer answer is looked at and not refused. */
const compareOthers = (at: Comparison, was: Alternative, is: Alternative, place: string): Finding[] => {
  const [before, after] = [was.additionalProperties ?? true, is.additionalProperties ?? true]
  if (isFree(before) && isFree(after)) return []
  if (isSame(before, after) && before === false) return []
  if (before !== false && after !== false && !isFree(before) && !isFree(after))
    return compareSchemas(at, before, after, `${place}.*`)
  const isWider = before === false || isFree(after)
  const wider = at.direction === 'output' ? 'look' : 'compatible'
  const text = isWider ? 'takes more fields than it names now' : 'takes fewer fields than before'
  return [{ verdict: isWider ? wider : narrowed(at.direction), kind: 'changed', place, text }]
}

const isFree = (others: unknown) => others === true || isSame(others, {})
