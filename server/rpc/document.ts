import type { Contract, Entry } from '../../contract/define.ts'
import { headerParameters, headers, parameters, securitySchemes } from './document/components.ts'
import { generate } from './document/generate.ts'
import { failureResponses, type SharedResponses, successResponses } from './document/responses.ts'
import type { ApiDocument, DocumentInfo, JsonObject, Operation } from './document/shape.ts'
import { tidy } from './document/tidy.ts'

export type { ApiDocument, DocumentInfo } from './document/shape.ts'

/**
 * The OpenAPI 3.1 document of a contract. Run when the project is built: the server serves the written file, so that
 * the generator and its 200 ms of loading stay out of it.
 * @throws Error for an entry that cannot be documented.
 */
export const createDocument = (contract: Contract, info: DocumentInfo): ApiDocument => {
  const { openapi, servers, tags, paths, components } = tidy(generate(contract, info))
  const rulesOf = entriesById(contract)
  const shared: SharedResponses = new Map()
  const complete = (operation: Operation): Operation => {
    const rules = rulesOf.get(operation.operationId)
    return rules ? completed(operation, rules, shared) : operation
  }
  return {
    openapi,
    info,
    servers,
    tags,
    paths: mapValues(paths, (verbs) => mapValues(verbs, complete)),
    components: {
      schemas: inOrder(components.schemas),
      responses: inOrder(Object.fromEntries(shared)),
      parameters,
      headers,
      securitySchemes,
    },
  }
}

const entriesById = (contract: Contract): Map<string, Entry> => {
  const entries = Object.entries(contract).flatMap(([feature, named]) =>
    Object.entries(named).map(([name, rules]): [string, Entry] => [`${feature}.${name}`, rules]),
  )
  return new Map(entries)
}

/** Puts our replies and our access rules in the place of the generator's. */
const completed = (operation: Operation, rules: Entry, shared: SharedResponses): Operation => {
  const { operationId, summary, tags, requestBody } = operation
  const asked = [...(operation.parameters ?? []), ...headerParameters(rules)] as JsonObject[]
  return {
    operationId,
    summary,
    description: accessSentence(rules.access),
    tags,
    security: security(rules.access),
    ...(rules.flag !== undefined && { 'x-flag': rules.flag }),
    ...(asked.length > 0 && { parameters: asked }),
    ...(requestBody && { requestBody }),
    responses: { ...successResponses(rules, envelopeOf(operation)), ...failureResponses(rules, shared) },
  }
}

const envelopeOf = ({ responses: { 200: response } }: Operation): JsonObject | undefined => {
  const schema = response && 'content' in response ? response.content?.['application/json']?.schema : undefined
  return schema && Object.keys(schema).length > 0 ? schema : undefined
}

const sentences: Readonly<Record<string, string>> = {
  public: 'Anyone may call this.',
  user: 'Needs an access token or an API key.',
  session: 'Needs an access token; an API key will not do.',
}

const accessSentence = (access: string) => sentences[access] ?? `Needs the permission \`${access}\`.`

/** OpenAPI 3.1, 4.8.30: with a bearer scheme the list names the roles that are required. */
const security = (access: string) => {
  if (access === 'public') return []
  return [{ bearer: Object.hasOwn(sentences, access) ? [] : [access] }]
}

const mapValues = <T>(record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))

/** By name, so that a new entry moves nothing in the written file. */
const inOrder = <T>(parts: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1)))
