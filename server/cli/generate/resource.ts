import type { Field } from './fields.ts'
import { fieldTypes } from './fieldTypes.ts'
import { type Names, pascalOf } from './names.ts'

/** A resource that is to be written. */
export interface Resource {
  readonly names: Names
  readonly fields: readonly Field[]
  /** Its rows belong to tenants; else they are shared by all. */
  readonly isTenant: boolean
  readonly references: readonly Reference[]
}

/** A field that leads to a row of a target. */
export interface Reference {
  readonly field: Field
  readonly target: Target
}

/** What a resource can refer to: people, and resources that stand where this one will stand. */
export interface Target {
  /** `users` for people. */
  readonly names: Pick<Names, 'camels' | 'snakes' | 'kebabs' | 'camel'>
  /** Its rows belong to tenants. People belong to none, and are members of some. */
  readonly isTenant: boolean
}

/** The target of references to people. */
export const people = 'users'
export const isPeople = ({ names }: Target): boolean => names.camels === people

export const has = (rule: 'isSortable' | 'isSearched' | 'isFilter') => (field: Field) =>
  fieldTypes[field.type][rule] === true

/** Those whose order a list can follow: a position in it is a value, which null is not. */
export const sortable = ({ fields }: Resource): readonly Field[] =>
  fields.filter((field) => has('isSortable')(field) && !field.isOptional)
export const searched = ({ fields }: Resource): readonly Field[] => fields.filter(has('isSearched'))
export const filters = ({ fields }: Resource): readonly Field[] => fields.filter(has('isFilter'))
export const uniques = ({ fields }: Resource): readonly Field[] => fields.filter(({ isUnique }) => isUnique)
export const enums = ({ fields }: Resource): readonly Field[] => fields.filter(({ type }) => type === 'enum')
/** The first text and what says in what state it is: enough to show an event, and little that is anybody's business. */
export const told = ({ fields }: Resource): readonly Field[] => {
  const name = fields.find(({ type }) => type === 'string')
  return fields.filter((field) => field === name || field.type === 'enum')
}

/** `Status` for the field `status`, in the contract. */
export const enumSchema = ({ names }: Resource, { word }: Field): string =>
  wordsOfContract.has(pascal(word)) || pascal(word) === names.pascal ? `${names.pascal}${pascal(word)}` : pascal(word)
/** `invoiceStatus` in the code of the table, `invoice_status` in the database. */
export const enumType = ({ names }: Resource, { word }: Field): string => `${names.camel}${pascal(word)}`
export const enumTypeName = ({ names }: Resource, { word }: Field): string => `${names.snake}_${word}`

/** One of the two values that a test has for a field. */
export const sampleOf = (field: Field, which: 0 | 1): string =>
  (fieldTypes[field.type].sample?.[which] ?? '').replaceAll('%', spoken(field))

/** Names for a sentence: `the due day`. */
export const spoken = ({ word }: Field): string => word.replaceAll('_', ' ')
export const pascal = (snake: string): string => pascalOf(snake.split('_'))
export const camel = (snake: string): string => pascal(snake).replace(/^[A-Z]/, (letter) => letter.toLowerCase())

export const unique = ({ names }: Resource, { name }: Field): string => `${names.snakes}_${name}_unique`
export const foreignKey = ({ names }: Resource, { field, target }: Reference): string =>
  `${names.snakes}_${field.name}_${target.names.snakes}_id_fk`

/** What the file of a contract names already. */
export const wordsOfContract: ReadonlySet<string> = new Set(
  'Id Instant InstantInput Email Json Day SearchText Password ContractModule'.split(' '),
)

/** The first letter of a sentence. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
export const article = (word: string): string => (/^[aeiou]/.test(word) ? 'an' : 'a')
