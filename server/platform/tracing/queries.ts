import type { QueryObserver } from '../../../db/observe.ts'
import type { Attributes, Span, SpanSettings } from './span.ts'

interface Parts {
  /** Whose work is being done. */
  readonly parents: () => readonly Span[]
  readonly below: (parent: Span, name: string, settings: SpanSettings) => Span
  readonly span: <T>(name: string, settings: SpanSettings, work: () => Promise<T>) => Promise<T>
  readonly keep: QueryObserver['keep']
}

const transaction = 'transaction'

/** Makes a span of every statement and of every transaction, under the span of whoever asked for it. */
export const createQueryObserver = ({ parents, below, span, keep }: Parts): QueryObserver => ({
  query(text, name) {
    const askedBy = parents()
    if (askedBy.length === 0 || isFrame(text, askedBy[0])) return undefined
    const { title, attributes } = describe(text, name)
    const named = { ...attributes, ...(name ? { 'tsforge.statement': name } : {}) }
    const shared = askedBy.length > 1 ? { 'tsforge.shared_by': askedBy.length } : {}
    const spans = askedBy.map((parent) => below(parent, title, { kind: 'client', attributes: { ...named, ...shared } }))
    return ({ rows, error }) => {
      for (const one of spans) {
        one.set('db.response.returned_rows', rows)
        if (error !== undefined) failed(one, error)
        one.end()
      }
    }
  },
  transaction: (work) => span(transaction, {}, work),
  keep,
})

const failed = (span: Span, error: unknown) => {
  span.fail(error)
  const { code } = (error ?? {}) as { code?: unknown }
  if (typeof code === 'string') span.set('db.response.status_code', code)
}

/** BEGIN names the tenant and takes no time of its own; the COMMIT of a single read is sent together with it. */
const isFrame = (text: string, parent: Span | undefined): boolean =>
  /^begin\b/.test(text) || (/^(?:commit|rollback)$/.test(text) && parent?.name !== transaction)

interface Description {
  readonly title: string
  readonly attributes: Attributes
}

const known = new Map<string, Description>()
const knownMax = 1_000
const textMax = 4_000

/** By the semantic conventions for databases: the text with a placeholder for every value. */
const describe = (text: string, name: string | undefined): Description => {
  const found = known.get(text)
  if (found) return found
  const shown = withoutLiterals(text)
  const operation = (/^\s*([a-z]+)/i.exec(shown)?.[1] ?? 'QUERY').toUpperCase()
  const table = /\b(?:from|into|update)\s+"?(\w+)"?/i.exec(shown)?.[1]
  const title = table === undefined ? operation : `${operation} ${table}`
  const attributes = {
    'db.system.name': 'postgresql',
    'db.operation.name': operation,
    'db.query.summary': title,
    'db.query.text': shown.slice(0, textMax),
    ...(table === undefined ? {} : { 'db.collection.name': table }),
  }
  // A text with values in it comes once; it would keep the others out.
  if ((name || shown === text) && known.size < knownMax) known.set(text, { title, attributes })
  return { title, attributes }
}

/** Texts in dollars, with escapes and plain; names in quotes; numbers. Read in one pass, so that none begins within another. */
const literals =
  /\$(?<tag>(?:[a-z_]\w*)?)\$.*?\$\k<tag>\$|(?<![\w$])e'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$.])\d+(?:\.\d+)?\b/gis

/** Our statements are parameterised; what a text spells out all the same is replaced. Quoted names stay. */
const withoutLiterals = (text: string): string =>
  text.replace(literals, (found) => (found.startsWith('"') ? found : '?'))
