/** One permission by one grant. `granted_in` is null for a global grant, which counts everywhere. */
export interface Source {
  readonly code: string
  readonly role_id: string
  readonly role_code: string
  readonly granted_in: string | null
}

interface Explained {
  readonly code: string
  readonly sources: Omit<Source, 'code'>[]
}

/** Gathers the grants of each permission, in the order given. */
export const explain = (sources: readonly Source[]): Explained[] => {
  const explained = new Map<string, Explained>()
  for (const { code, ...source } of sources) {
    const one = explained.get(code) ?? { code, sources: [] }
    one.sources.push(source)
    explained.set(code, one)
  }
  return [...explained.values()]
}
