import type { Alternative } from './alternatives.ts'
import { type Direction, type Finding, narrowed, widened } from './change.ts'
import type { Comparison } from './comparison.ts'
import { canonical, isSame, listOf, type Part } from './document.ts'

/** Compares the keywords of two forms of the same type that hold for the value itself, not for what is inside. */
export const compareKeywords = ({ direction, place }: Comparison, was: Alternative, is: Alternative): Finding[] => {
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((name) => !inside.has(name))
  return names.flatMap((name) => {
    const [before, after] = [was[name] ?? neutral[name], is[name] ?? neutral[name]]
    return isSame(before, after) ? [] : [{ place, ...judge(name, [before, after], direction) }]
  })
}

type Judgement = Omit<Finding, 'place'>

/** What compareSchemas follows itself. */
const inside = new Set(['type', 'properties', 'required', 'items', 'additionalProperties'])

/** What a keyword says by not being there. */
const neutral: Part = { minLength: 0, minItems: 0, minProperties: 0, uniqueItems: false, deprecated: false }

const words = new Set(['title', 'description', 'example', 'examples', '$comment', 'externalDocs', 'deprecated'])
const lower = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'])
const upper = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'])
/** Keywords that take values away by being there. */
const restrictions = new Set(['pattern', 'format', 'multipleOf', 'uniqueItems', ...lower, ...upper])

const judge = (name: string, [was, is]: readonly [unknown, unknown], direction: Direction): Judgement => {
  if (name === 'enum') return judgeValues(was, is, direction)
  if (words.has(name)) return { verdict: 'compatible', kind: 'described', text: `\`${name}\` changed` }
  const text = `\`${name}\` changed from ${shown(was)} to ${shown(is)}`
  if (name === 'default') return { verdict: direction === 'input' ? 'look' : 'compatible', kind: 'changed', text }
  if (!restrictions.has(name)) return { verdict: 'look', kind: 'changed', text }
  const step = stepOf(name, was, is)
  if (step === 'fewer') return { verdict: narrowed(direction), kind: 'changed', text }
  if (step === 'more') return { verdict: widened(direction), kind: 'changed', text }
  // Whether one pattern takes all that another takes is not decided here; another format is another kind of value.
  return { verdict: name === 'pattern' ? 'look' : 'breaking', kind: 'changed', text }
}

/** Whether a restriction lets fewer values pass than before, more, or others. */
const stepOf = (name: string, was: unknown, is: unknown): 'fewer' | 'more' | 'others' => {
  if (was === undefined || was === false) return 'fewer'
  if (is === undefined || is === false) return 'more'
  if (lower.has(name)) return Number(is) > Number(was) ? 'fewer' : 'more'
  if (upper.has(name)) return Number(is) < Number(was) ? 'fewer' : 'more'
  if (name !== 'multipleOf') return 'others'
  if (Number(is) % Number(was) === 0) return 'fewer'
  return Number(was) % Number(is) === 0 ? 'more' : 'others'
}

const judgeValues = (was: unknown, is: unknown, direction: Direction): Judgement => {
  if (was === undefined) return { verdict: narrowed(direction), kind: 'changed', text: `takes only ${shown(is)} now` }
  if (is === undefined)
    return { verdict: widened(direction), kind: 'changed', text: `is no longer one of ${shown(was)}` }
  const gone = without(was, is)
  const fresh = without(is, was)
  const verdicts = [gone.length > 0 ? narrowed(direction) : [], fresh.length > 0 ? widened(direction) : []].flat()
  const text = [gone.length > 0 ? `${named(gone)} went` : [], fresh.length > 0 ? `${named(fresh)} came` : []]
  return {
    verdict: verdicts.includes('breaking') ? 'breaking' : 'compatible',
    kind: 'changed',
    text: text.flat().join(', ') || 'the order of the values changed',
  }
}

const named = (values: readonly unknown[]) => `the value${values.length > 1 ? 's' : ''} ${values.map(shown).join(', ')}`

const without = (some: unknown, others: unknown): unknown[] => {
  const known = new Set(listOf(others).map(canonical))
  return listOf(some).filter((value) => !known.has(canonical(value)))
}

const shown = (value: unknown): string => (value === undefined ? 'nothing' : `\`${JSON.stringify(value)}\``)
