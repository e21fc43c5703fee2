/** A JSON object of an OpenAPI document. */
export type Part = Readonly<Record<string, unknown>>

/** What was given is not a document that can be compared; the message says why. */
export class UnreadableDocument extends Error {
  override readonly name = 'UnreadableDocument'
}

/**
 * An OpenAPI 3.1 document from its text.
 * @throws UnreadableDocument when it is not JSON, not OpenAPI 3.1, or has a reference that leads out of it or nowhere.
 */
export const readDocument = (text: string): Part => {
  const document = parse(text)
  if (!isPart(document) || typeof document.openapi !== 'string')
    throw new UnreadableDocument('it has no field `openapi`, so it is not an OpenAPI document')
  if (!/^3\.1\.\d+/.test(document.openapi))
    throw new UnreadableDocument(`it is OpenAPI ${document.openapi}, and only 3.1 is understood`)
  if (!isPart(document.paths)) throw new UnreadableDocument('it has no `paths`')
  checkReferences(document, document)
  return document
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new UnreadableDocument('it is not JSON')
  }
}

const checkReferences = (document: Part, value: unknown): void => {
  if (Array.isArray(value)) for (const item of value) checkReferences(document, item)
  if (!isPart(value)) return
  if (typeof value.$ref === 'string') target(document, value.$ref)
  for (const item of Object.values(value)) checkReferences(document, item)
}

export const isPart = (value: unknown): value is Part =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object at a key, or an empty one. */
export const partOf = (value: unknown): Part => (isPart(value) ? value : {})

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/**
 * What a local reference names.
 * @throws UnreadableDocument when there is nothing.
 */
export const target = (document: Part, reference: string): unknown => {
  if (!reference.startsWith('#/'))
    throw new UnreadableDocument(`its reference ${reference} leads to another file: bundle it into one first`)
  const found = reference
    .slice(2)
    .split('/')
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((at, step) => (at as Part | undefined)?.[step], document)
  if (found === undefined) throw new UnreadableDocument(`its reference ${reference} leads nowhere`)
  return found
}

/** A part that may stand elsewhere, such as a shared parameter or response. What stands beside the reference wins. */
export const resolved = (document: Part, value: unknown): Part => {
  let { $ref, ...part } = partOf(value)
  for (let steps = 0; typeof $ref === 'string' && steps < referencesMax; steps++) {
    const { $ref: next, ...found } = partOf(target(document, $ref))
    part = { ...found, ...part }
    $ref = next
  }
  return part
}

/** A chain of references that is longer goes in a circle. */
const referencesMax = 100

/** Text that is equal for equal content, whatever the order of the keys. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, item) =>
    isPart(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
  ) ?? 'undefined'

export const isSame = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b)
