import { alternativesOf } from '../../server/cli/openapi/alternatives.ts'
import { listOf, type Part, partOf } from '../../server/cli/openapi/document.ts'

/** The type of a value with its limits, in a few words; named schemas are links to their section. */
export const typeOf = (document: Part, schema: unknown): string => {
  const { $ref, items, type } = partOf(schema)
  if (typeof $ref === 'string' && isShown($ref)) return linkTo($ref)
  if (type === 'array') return `list of ${typeOf(document, items)}${limitsOf(partOf(schema), 'Items')}`
  if (alternativesOf(document, schema).length > formsMax) return 'any JSON'
  return alternativesOf(document, schema)
    .map((form) => formOf(document, form))
    .join(' or ')
}

/** Only free JSON has more forms than that outside of named schemas. */
const formsMax = 4

/** Names that the generator makes up and free JSON have no section. */
export const isShown = (reference: string) => !/\/(?:__schema\d+|Json|JsonOutput|Failure)$/.test(reference)

const linkTo = (reference: string) => {
  const name = reference.split('/').at(-1) ?? ''
  return `[${name}](#${name.toLowerCase()})`
}

const formOf = (document: Part, form: Part): string => {
  const values = listOf(form.enum)
  if (values.length > 0) return values.map((value) => `\`${JSON.stringify(value).replaceAll('"', '')}\``).join(', ')
  if (form.type === 'array') return `list of ${typeOf(document, form.items)}${limitsOf(form, 'Items')}`
  if (form.type === 'object') return objectOf(document, form)
  if (form.type === 'integer' || form.type === 'number') return `${form.type}${limitsOf(form, 'imum')}`
  if (form.type !== 'string') return String(form.type ?? 'any JSON')
  const pattern = form.pattern && !form.format ? ` \`${form.pattern}\`` : ''
  return `${form.format ?? 'string'}${limitsOf(form, 'Length')}${pattern}`
}

const objectOf = (document: Part, { properties, required, additionalProperties }: Part): string => {
  const fields = Object.entries(partOf(properties)).map(
    ([name, schema]) => `\`${name}${listOf(required).includes(name) ? '' : '?'}\` ${typeOf(document, schema)}`,
  )
  if (fields.length > 0) return `{ ${fields.join('; ')} }`
  return additionalProperties ? `record of ${typeOf(document, additionalProperties)}` : 'object'
}

const limitsOf = (form: Part, unit: string): string => {
  const [least, most] = [form[`min${unit}`], form[`max${unit}`]]
  if (most !== undefined) return ` ${least ?? 0}–${most}`
  return least === undefined || least === 0 ? '' : ` from ${least}`
}
