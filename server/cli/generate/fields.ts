import { ForgeError, misused } from '../forgeError.ts'
import { type FieldType, fieldTypes, isFieldType } from './fieldTypes.ts'
import { snakeOf } from './names.ts'

/** One field of a resource, as `number:string:unique` or `due:date?` says it. */
export interface Field {
  /** As it was named: `total`. */
  readonly word: string
  /** Its column, and its key on the wire: `total_cents` for money, `customer_id` for a reference. */
  readonly name: string
  readonly type: FieldType
  readonly isUnique: boolean
  /** May be null. */
  readonly isOptional: boolean
  /** Of an enum. */
  readonly choices: readonly string[]
  /** Of a reference: what it was said to lead to. */
  readonly target: string
}

/** Reads the fields of a resource. Throws ForgeError with everything that is wrong, and what is right instead. */
export const parseFields = (texts: readonly string[]): readonly Field[] => {
  const problems: string[] = []
  const fields = texts.flatMap((text) => {
    const parsed = parseField(text)
    if (typeof parsed === 'object') return [parsed]
    problems.push(`${text} ${parsed}`)
    return []
  })
  const names = fields.map(({ name }) => name)
  problems.push(
    ...new Set(names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} is there twice`)),
  )
  if (texts.length === 0) problems.push('a resource has at least one field, as in name:string')
  if (problems.length > 0) throw new ForgeError(`Nothing was done: ${problems.join('; ')}.`, misused)
  return fields
}

/** `number:string:unique`, `status:enum(draft,sent)`, `customer:ref(users)?`. */
const pattern = /^([^:]+):([a-z]+)(?:\(([^)]*)\))?(\?)?(?::([a-z]+))?(\?)?$/

const parseField = (text: string): Field | string => {
  const [, typedWord = '', type = '', inside, early, modifier, late] = pattern.exec(text) ?? []
  if (typedWord === '') return 'is not a field: say name:type, as in number:string:unique or due:date?'
  if (!isFieldType(type)) return `has no type that is known: take one of ${Object.keys(fieldTypes).join(', ')}`
  if (!/^[a-zA-Z][a-zA-Z0-9 _-]*$/.test(typedWord))
    return 'needs a name of letters a to z and digits, beginning with a letter'
  const { suffix = '', canBeUnique } = fieldTypes[type]
  const word = snakeOf(typedWord)
  const field = {
    word,
    name: word.endsWith(suffix) ? word : `${word}${suffix}`,
    type,
    isUnique: modifier === 'unique',
    isOptional: early === '?' || late === '?',
    choices: type === 'enum' ? (inside ?? '').split(',').map((choice) => choice.trim()) : [],
    target: type === 'ref' ? (inside ?? '').trim() : '',
  }
  if (modifier !== undefined && modifier !== 'unique') return `says ${modifier}, and only unique can be said of a field`
  if (field.isUnique && !canBeUnique) return `is ${type}, which cannot be unique`
  if (inside !== undefined && type !== 'enum' && type !== 'ref') return `is ${type}, which takes nothing in parentheses`
  return faultOf(field) ?? field
}

const faultOf = ({ name, type, choices, target }: Field): string | undefined => {
  if (taken.has(name)) return `would be called ${name}, which every resource or list has already: name it otherwise`
  if (secret.test(name))
    return 'sounds like a secret, which is kept as a hash and never shown: name it otherwise, or write it by hand'
  if (name.length > 40) return 'has a name of more than 40 characters: shorten it'
  if (type === 'ref' && target === '') return 'says not what it refers to: as in customer:ref(users)'
  if (type === 'enum' && choices.some((choice) => !/^[a-z][a-z0-9_]{0,39}$/.test(choice)))
    return 'needs its values in parentheses, of lower-case letters, digits and _: as in status:enum(draft,sent)'
  if (new Set(choices).size !== choices.length) return 'has a value twice'
  return undefined
}

/** Columns of every resource, what every list is asked by and, last, what an object of JavaScript brings along. */
const taken = new Set('id tenant_id created_at updated_at limit cursor total q sort constructor prototype'.split(' '))

/** The law on secrets holds every field of the contract against this (tests/canaries.test.ts). */
const secret = /password|secret|token|key|credential|pin$|otp/
