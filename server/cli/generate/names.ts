import pluralize from 'pluralize'
import { ForgeError, misused } from '../forgeError.ts'

/** A resource in every spelling that the code has for it. */
export interface Names {
  /** `order line`, `order lines` in sentences. */
  readonly one: string
  readonly many: string
  /** `orderLine`: a row. */
  readonly camel: string
  /** `orderLines`: the module, its file and folder, its table in the code. */
  readonly camels: string
  /** `OrderLine`: its schema. */
  readonly pascal: string
  readonly pascals: string
  /** `order_line`: before the verb in a topic. */
  readonly snake: string
  /** `order_lines`: its table, and before the dot in codes. */
  readonly snakes: string
  /** `order-lines`: in paths. */
  readonly kebabs: string
}

/**
 * Every spelling of a name that was typed in any of them, in the singular or the plural; `plural` is for a word whose
 * plural is not the one that the rules of English make. Throws ForgeError for what
 * cannot be a name, with what to type instead.
 */
export const namesOf = (typed: string, plural?: string): Names => {
  const words = wordsOf(typed)
  const last = words.at(-1) ?? ''
  const one = plural === undefined ? [...words.slice(0, -1), singularOf(last)] : words
  const many = plural === undefined ? [...words.slice(0, -1), pluralOf(last)] : wordsOf(plural)
  if (one.join() === many.join())
    throw refused(typed, `has no plural of its own: say it by --plural, or try ${words.join('-')}-item`)
  requireFree(typed, camelOf(many), camelOf(one))
  return {
    one: one.join(' '),
    many: many.join(' '),
    camel: camelOf(one),
    camels: camelOf(many),
    pascal: pascalOf(one),
    pascals: pascalOf(many),
    snake: one.join('_'),
    snakes: many.join('_'),
    kebabs: many.join('-'),
  }
}

/** A letter is one of its kind, whatever the rules make of an s. */
const singularOf = (word: string) => (word.length === 1 ? word : pluralize.singular(word))
const pluralOf = (word: string) => (word === 's' ? 'ses' : pluralize.plural(word))

/** The spellings of a module, which is named as it was typed. Throws ForgeError for what cannot be a name. */
export const moduleNamesOf = (typed: string): Pick<Names, 'one' | 'camel' | 'snake'> => {
  const words = wordsOf(typed)
  requireFree(typed, camelOf(words))
  return { one: words.join(' '), camel: camelOf(words), snake: words.join('_') }
}

/** `due_on` of `dueOn`, `due-on` and `Due on`. */
export const snakeOf = (typed: string): string => wordsOf(typed).join('_')

const wordsOf = (typed: string): string[] => {
  if (!/^[a-zA-Z][a-zA-Z0-9 _-]*$/.test(typed))
    throw refused(typed, 'is not a name: letters a to z, digits, hyphens, beginning with a letter, as in order-line')
  return typed
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[ _-]+/)
    .filter((word) => word !== '')
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)
export const pascalOf = (words: readonly string[]): string => words.map(capital).join('')
const camelOf = ([first = '', ...rest]: readonly string[]) => first + pascalOf(rest)

const requireFree = (typed: string, module: string, row = module) => {
  const other = `put another word before it, as in my-${typed.toLowerCase()}`
  if (tokens.has(module) || tokens.has(row)) throw refused(typed, `is a word of TypeScript: ${other}`)
  if (ours.has(module)) throw refused(typed, `is what every module calls something else: ${other}`)
}

const refused = (typed: string, why: string) => new ForgeError(`Nothing was done: "${typed}" ${why}.`, misused)

/** What no variable can be called. ECMAScript 2024, 12.7.2, strict mode. */
const tokens = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends false ' +
    'finally for function if implements import in instanceof interface let new null package private protected public ' +
    'return static super switch this throw true try typeof undefined var void while with yield'
  ).split(' '),
)

/** What the files of a module import or declare under this name. */
const ours = new Set('contract defineModule extend handlers mutation words z'.split(' '))
