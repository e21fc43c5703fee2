import { alternativesOf } from '../../server/cli/openapi/alternatives.ts'
import { listOf, type Part, partOf, resolved } from '../../server/cli/openapi/document.ts'

const id = '0198f5a2-7c1e-7d3a-9b60-3f2a51c0d9e4'

/** Values that say what a field is for; the first that its schema takes is shown. */
const byName: Readonly<Record<string, readonly unknown[]>> = {
  password: ['correct horse battery'],
  name: ['Ada'],
  slug: ['acme'],
  token: ['a token'],
}
const byFormat: Readonly<Record<string, string>> = {
  uuid: id,
  email: 'ada@example.org',
  date: '2030-01-31',
  'date-time': '2030-01-31T12:00:00Z',
  uri: 'https://example.org/',
}
const texts = ['example', 'an-example', 'example.read', 'ex', 'an example of more than sixteen letters', '1', '']

/** A value that the schema takes: the required fields of an object, or its first field when none is. */
export const exampleOf = (document: Part, schema: unknown, name = ''): unknown => {
  const [form = {}] = alternativesOf(document, schema)
  const [first] = listOf(form.enum)
  if (first !== undefined) return first
  if (form.type === 'object') return exampleObject(document, form)
  if (form.type === 'array') return [exampleOf(document, form.items, name)]
  if (form.type === 'boolean') return true
  if (form.type === 'integer' || form.type === 'number') return Math.max(1, Number(form.minimum ?? 1))
  return exampleText(form, name)
}

const exampleObject = (document: Part, { properties, required }: Part): Part => {
  const names = Object.keys(partOf(properties))
  const needed = names.filter((name) => listOf(required).includes(name))
  const shown = needed.length > 0 ? needed : names.slice(0, 1)
  return Object.fromEntries(shown.map((name) => [name, exampleOf(document, partOf(properties)[name], name)]))
}

const exampleText = (form: Part, name: string): unknown => {
  const fitting = byFormat[String(form.format)]
  if (fitting) return fitting
  const pattern = new RegExp(String(form.pattern ?? ''))
  const [least, most] = [Number(form.minLength ?? 0), Number(form.maxLength ?? 1_000)]
  const takes = (text: unknown) => {
    const { length } = String(text)
    return length >= least && length <= most && pattern.test(String(text))
  }
  return [...(byName[name] ?? []), ...texts, 'x'.repeat(least)].find(takes) ?? 'example'
}

/** What the example of an operation sends: path, query and body together are the input of its entry. */
export const exampleInput = (document: Part, operation: Part): { path: Part; query: Part; body: Part | undefined } => {
  const parameters = listOf(operation.parameters).map((one) => resolved(document, one))
  const placed = (place: string) => {
    const some = parameters.filter((one) => one.in === place && (one.required === true || place === 'path'))
    return Object.fromEntries(some.map(({ name, schema }) => [name, exampleOf(document, schema, String(name))]))
  }
  const schema = bodySchemaOf(document, operation)
  return {
    path: placed('path'),
    query: placed('query'),
    body: schema === undefined ? undefined : partOf(exampleOf(document, schema)),
  }
}

export const bodySchemaOf = (document: Part, operation: Part): unknown =>
  partOf(partOf(resolved(document, operation.requestBody).content)['application/json']).schema
