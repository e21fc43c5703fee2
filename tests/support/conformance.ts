import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** A reply to hold against the document. `path` is as asked for or the template; its query does not matter. */
export interface Reply {
  readonly method: string
  readonly path: string
  readonly status: number
  /** Parsed JSON. Absent, null or '' for none. */
  readonly body: unknown
}

export interface Conformance {
  /**
   * What the reply has that the document does not promise; empty when it conforms. Paths and verbs outside the document
   * are not judged, as they have no promise to keep.
   */
  readonly check: (reply: Reply) => string[]
  /** Replies judged so far. */
  readonly checked: number
}

interface Response {
  readonly content?: Readonly<Record<string, object>>
}

interface Document {
  readonly paths: Readonly<Record<string, object>>
}

type Node = Readonly<Record<string, unknown>>

/** Judges replies by an OpenAPI 3.1 document, stricter than a client must: a field it does not name is a problem. */
export const createConformance = (document: Document): Conformance => {
  const ajv = new Ajv2020({ allErrors: true, strict: false })
  addFormats.default(ajv)
  ajv.addSchema(closed(document) as object, 'document')
  const templates = Object.keys(document.paths)
    .map(template)
    .sort((a, b) => a.parameters - b.parameters)
  let checked = 0

  /** Where the responses of a call stand in the document. */
  const responsesOf = ({ method, path }: Reply) => {
    const [plain = ''] = path.split('?', 1)
    const verb = method.toLowerCase()
    const found = templates.find(({ pattern, path }) => pattern.test(plain) && verb in (document.paths[path] ?? {}))
    return found && ['paths', found.path, verb, 'responses']
  }

  const check = (reply: Reply): string[] => {
    const at = responsesOf(reply)
    if (!at) return []
    checked += 1
    const named = nodeAt(document, [...at, String(reply.status)])
    if (!named) return [`status ${reply.status} is not documented`]
    const pointer = '$ref' in named ? String(named.$ref).slice(2).split('/') : [...at, String(reply.status)]
    const response = nodeAt(document, pointer) as Response | undefined
    const type = Object.keys(response?.content ?? {})[0]
    const isEmpty = reply.body === undefined || reply.body === null || reply.body === ''
    if (type === undefined) return isEmpty ? [] : ['has a body where none is documented']
    return validate(ajv, [...pointer, 'content', type, 'schema'], reply.body)
  }

  return {
    check,
    get checked() {
      return checked
    },
  }
}

const nodeAt = (document: Document, pointer: readonly string[]) =>
  pointer.reduce<unknown>((node, key) => (node as Node | undefined)?.[key], document) as Node | undefined

const template = (path: string) => {
  const parts = path.split(/\{\w+\}/)
  const escaped = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return { path, pattern: new RegExp(`^${escaped.join('[^/]+')}$`), parameters: parts.length - 1 }
}

const validate = (ajv: Ajv2020, pointer: readonly string[], body: unknown): string[] => {
  const keys = pointer.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1')))
  const compiled: ValidateFunction | undefined = ajv.getSchema(`document#/${keys.join('/')}`)
  if (!compiled) return [`the document has no schema at ${pointer.join(' ')}`]
  if (compiled(body)) return []
  return (compiled.errors ?? []).map(({ instancePath, message, params }) => {
    const extra = 'additionalProperty' in params ? ` (${params.additionalProperty})` : ''
    return `${instancePath || '/'} ${message ?? 'is wrong'}${extra}`
  })
}

/** A copy whose objects take no field besides those they name, unless they say so. */
const closed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(closed)
  if (typeof value !== 'object' || value === null) return value
  const node = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, closed(item)]))
  const isOpenObject = node.type === 'object' && 'properties' in node && !('additionalProperties' in node)
  return isOpenObject ? { ...node, additionalProperties: false } : node
}
