/**
 * A copy of a document part without what zod adds and nobody should rely on: objects that allow no further fields,
 * since answers grow; the bounds of exact integers, which hold for all JSON (RFC 7493 2.2); the pattern of a UUID, which
 * its format says; that names are texts; empty lists of parameters.
 */
export const tidy = <T>(part: T): T => tidied(part) as T

const tidied = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(tidied)
  if (typeof value !== 'object' || value === null) return value
  const node = value as Readonly<Record<string, unknown>>
  const kept = Object.entries(node).filter(([key, item]) => !isNoise(node, key, item))
  return Object.fromEntries(kept.map(([key, item]) => [key, tidied(item)]))
}

const isNoise = (node: Readonly<Record<string, unknown>>, key: string, item: unknown): boolean => {
  if (key === 'additionalProperties') return item === false
  if (key === 'minimum') return item === Number.MIN_SAFE_INTEGER
  if (key === 'maximum') return item === Number.MAX_SAFE_INTEGER
  if (key === 'pattern') return node.format === 'uuid'
  if (key === 'propertyNames') return JSON.stringify(item) === '{"type":"string"}'
  return key === 'parameters' && Array.isArray(item) && item.length === 0
}
