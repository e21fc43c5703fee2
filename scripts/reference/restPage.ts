import type { Contract, Entry } from '../../contract/define.ts'
import { alternativesOf } from '../../server/cli/openapi/alternatives.ts'
import { listOf, type Part, partOf, resolved } from '../../server/cli/openapi/document.ts'
import { anchorOf, cell, entriesOf, type NamedEntry } from './entries.ts'
import { bodySchemaOf, exampleInput } from './examples.ts'
import { isShown, typeOf } from './types.ts'

const intro = `# REST reference

Answers are \`{"success":true,"data":…,"request_id":"…"}\`; what stands below under “Answer” is \`data\`. Refusals and what to
do about each are in [errors.md](errors.md). A list gives \`next_cursor\`, to be sent as \`cursor\` for what follows; it is
null at the end. Where an entry takes an \`Idempotency-Key\`, a retry with the same key has no second effect and gets the
first answer. Where it has an ETag, send it as \`If-None-Match\`: 304 while the answer still holds. The examples need
a server on port 8080 and an access token or an API key in \`$TOKEN\`. A field with \`?\` may be missing.

## Errors that follow from the rules

Besides its own errors, every entry answers with \`request.malformed\`, \`rate_limited\`, \`internal\`, \`overloaded\`,
\`unavailable\` and \`deadline_exceeded\`. With input: \`validation\`. With POST, PUT or PATCH: \`request.too_large\` and
\`request.unsupported_media_type\`. Where a caller is needed: \`auth.missing_token\`, \`auth.invalid\`, \`apikey.invalid\`,
\`tenant.invalid\`, \`tenant.forbidden\`. For signed-in persons alone: \`apikey.user_session_required\`. Where a permission is
needed: \`rbac.permission_required\`. With an \`Idempotency-Key\`: \`idempotency.key_invalid\`, \`idempotency.key_reused\`,
\`idempotency.in_progress\`. Behind a flag that is off: \`route.not_found\`.

This page is written by \`npm run generate\` from the contract.
`

/** The text of `docs/rest.md`. The document is the one of the same contract. */
export const renderRestPage = (contract: Contract, document: Part): string => {
  const entries = entriesOf(contract)
  const contents = Object.keys(contract).map((feature) => {
    const links = entries.filter((entry) => entry.feature === feature).map(({ key }) => `[${key}](#${anchorOf(key)})`)
    return `- ${links.join(', ')}`
  })
  const features = Object.keys(contract).map((feature) =>
    [
      `## ${feature}`,
      '',
      ...entries.filter((entry) => entry.feature === feature).map((entry) => sectionOf(entry, document)),
    ].join('\n'),
  )
  return [intro, '## Contents', '', ...contents, '- [Schemas](#schemas)', '', ...features, schemasOf(document)].join(
    '\n',
  )
}

const sectionOf = ({ key, rules }: NamedEntry, document: Part): string => {
  const [verb, path] = rules.http
  const operation = partOf(partOf(partOf(document.paths)[path])[verb.toLowerCase()])
  const errors = (rules.errors ?? []).map((code) => `[\`${code}\`](errors.md#${anchorOf(code)})`)
  return [
    `### \`${key}\``,
    '',
    `\`${verb} ${path}\` — ${rules.summary}`,
    '',
    `${accessOf(rules)}. Budget: ${rules.rate}. ${tenancies[rules.tenancy]}${repeats(rules)}${flagged(rules)}`,
    '',
    ...inputOf(operation, document),
    `Answer: ${answerOf(operation, document)}${errors.length > 0 ? ` Errors: ${errors.join(', ')}.` : ''}`,
    '',
    '```sh',
    curlOf(rules, document, operation),
    '```',
    '',
  ].join('\n')
}

const accessOf = ({ access }: Entry): string =>
  ({ public: 'Anyone', user: 'Access token or API key', session: 'Access token, no API key' })[access] ??
  `Permission \`${access}\``

const tenancies = {
  none: 'No tenant’s data.',
  bucket: 'In the tenant of `X-Tenant-ID`, without it in none.',
  global: 'Shared by all tenants; the permission must be held globally.',
  path: 'In the tenant of the path.',
} as const

const repeats = (rules: Entry): string => {
  if (rules.kind === 'mutation')
    return rules.idempotency === 'key' ? ' Takes an `Idempotency-Key`.' : ' Takes no `Idempotency-Key`.'
  return rules.kind === 'query' && rules.cache ? ` Has an ETag, good for ${rules.cache.maxAgeSeconds} s.` : ''
}

const flagged = ({ flag }: Entry): string =>
  flag === undefined ? '' : ` While the flag \`${flag}\` is off: [\`route.not_found\`](errors.md#routenot_found).`

const inputOf = (operation: Part, document: Part): string[] => {
  const parameters = listOf(operation.parameters)
    .map((one) => resolved(document, one))
    .filter((one) => one.in !== 'header')
    .map(({ name, in: place, schema, required }) =>
      rowOf(document, { name: String(name), place: String(place), schema, isRequired: required === true }),
    )
  const [body = {}] = alternativesOf(document, bodySchemaOf(document, operation) ?? {})
  const fields = Object.entries(partOf(body.properties)).map(([name, schema]) =>
    rowOf(document, { name, place: 'body', schema, isRequired: listOf(body.required).includes(name) }),
  )
  const rows = [...parameters, ...fields]
  return rows.length === 0 ? [] : ['| field | in | type |', '|---|---|---|', ...rows, '']
}

interface Field {
  readonly name: string
  readonly place: string
  readonly schema: unknown
  readonly isRequired: boolean
}

const rowOf = (document: Part, { name, place, schema, isRequired }: Field) => {
  const { default: fallback } = partOf(schema)
  const type = `${typeOf(document, schema)}${fallback === undefined ? '' : `, \`${JSON.stringify(fallback)}\` when left out`}`
  return `| \`${name}${isRequired ? '' : '?'}\` | ${place} | ${cell(type)} |`
}

const answerOf = (operation: Part, document: Part): string => {
  const [status = '', response] =
    Object.entries(partOf(operation.responses)).find(([code]) => code.startsWith('2')) ?? []
  const content = partOf(resolved(document, response).content)
  const { 'application/json': json, 'text/event-stream': stream } = content
  if (stream) return `${status}, a stream of ${typeOf(document, partOf(stream).schema)}.`
  if (!json) return `${status} without a body.`
  return `${status}, ${typeOf(document, partOf(partOf(partOf(json).schema).properties).data)}.`
}

const curlOf = (rules: Entry, document: Part, operation: Part): string => {
  const [verb, template] = rules.http
  const { path, query, body } = exampleInput(document, operation)
  const place = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(path[name]))
  const asked = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  )
  const parts = [
    `curl ${rules.kind === 'subscription' ? '-N ' : ''}${verb === 'GET' ? '' : `-X ${verb} `}'localhost:8080${place}${asked.size > 0 ? `?${asked}` : ''}'`,
    ...(rules.access === 'public' ? [] : ['-H "authorization: Bearer $TOKEN"']),
    ...(rules.kind === 'mutation' && rules.idempotency === 'key' ? ["-H 'idempotency-key: a-key-for-this-wish'"] : []),
    ...(body ? ["-H 'content-type: application/json'", `-d '${JSON.stringify(body)}'`] : []),
  ]
  return parts.join(' \\\n  ')
}

const schemasOf = (document: Part): string => {
  const named = Object.entries(partOf(partOf(document.components).schemas)).filter(([name]) => isShown(`/${name}`))
  const sections = named.map(([name, schema]) => {
    const forms = alternativesOf(document, schema)
    const lines =
      forms.length > 1 ? unionOf(document, forms) : forms.map((form) => fieldsOf(document, form).map(item).join('\n'))
    return [`### ${name}`, '', ...lines, ''].join('\n')
  })
  return ['## Schemas', '', ...sections].join('\n')
}

const item = (text: string) => `- ${text}`

/** What all forms but a few have alike is said once. */
const unionOf = (document: Part, forms: readonly Part[]): string[] => {
  const all = forms.map((form) => fieldsOf(document, form))
  const common = [...new Set(all.flat())].filter(
    (field) => all.filter((fields) => fields.includes(field)).length * 2 > all.length,
  )
  const lines = all.map((fields) => {
    const isUsual = common.every((field) => fields.includes(field))
    const own = isUsual ? fields.filter((field) => !common.includes(field)) : fields
    return item(`${own.join('; ')}${isUsual ? '; …' : ''}`)
  })
  return [`One of these forms, where … stands for ${common.join('; ')}:`, '', ...lines]
}

const fieldsOf = (document: Part, { properties, required }: Part): string[] =>
  Object.entries(partOf(properties)).map(
    ([name, schema]) => `\`${name}${listOf(required).includes(name) ? '' : '?'}\` ${typeOf(document, schema)}`,
  )
