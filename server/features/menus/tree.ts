/** What the tree goes by. */
export interface MenuEntry {
  readonly id: string
  /** Null for a global entry. */
  readonly tenant_id: string | null
  readonly parent_id: string | null
  readonly code: string
  readonly label: string
  readonly sort_order: number
  readonly required_permission_code: string | null
  readonly is_visible: boolean
}

/** Beyond this depth the recursion of serializers, ours and those of clients, could exhaust the stack. */
export const levelsMax = 256

/** An entry with those below it; the `parent_id` of one in a tree is the id of the one above it. */
export type Branch<T extends MenuEntry> = T & { readonly children: Branch<T>[] }

/**
 * Lays the entries of a tenant over the global ones. An entry of the tenant replaces the global one with its code:
 * what stood below the global one stands below it, and without a parent of its own it stands where the global one
 * stood. Where that would put it below itself, it stands at the top.
 */
export const overlay = <T extends MenuEntry>(entries: readonly T[]): T[] => {
  const own = new Map(entries.filter(({ tenant_id }) => tenant_id !== null).map((entry) => [entry.code, entry]))
  const replacements = new Map<string, T>()
  const places = new Map<string, string | null>()
  for (const { id, tenant_id, code, parent_id } of entries) {
    const replacement = tenant_id === null ? own.get(code) : undefined
    if (!replacement) continue
    replacements.set(id, replacement)
    if (replacement.parent_id === null) places.set(replacement.id, parent_id)
  }
  if (replacements.size === 0) return [...entries]
  const above = ({ id, parent_id }: T): string | null => {
    const parent = parent_id ?? places.get(id) ?? null
    return parent === null ? null : (replacements.get(parent)?.id ?? parent)
  }
  const laid = entries.filter(({ id }) => !replacements.has(id)).map((entry) => ({ ...entry, parent_id: above(entry) }))
  const parents = new Map(laid.map(({ id, parent_id }) => [id, parent_id]))
  return laid.map((entry) =>
    places.has(entry.id) && isBelow(parents, entry.id) ? { ...entry, parent_id: null } : entry,
  )
}

/** Whether the way up from an entry leads back to it. */
const isBelow = (parents: ReadonlyMap<string, string | null>, id: string): boolean => {
  const passed = new Set<string>()
  let at = parents.get(id)
  while (at && at !== id && !passed.has(at)) {
    passed.add(at)
    at = parents.get(at)
  }
  return at === id
}

/** Whether an entry may be shown to somebody with these permissions, were it alone. */
export const isShown =
  (permissions: ReadonlySet<string>) =>
  ({ is_visible, required_permission_code }: MenuEntry): boolean =>
    is_visible && (required_permission_code === null || permissions.has(required_permission_code))

/**
 * The tree of some entries, siblings in order. Whatever stands below an entry that is not among them is left out with
 * it, and so is what would stand beyond `levelsMax`, as it may where a tenant's entries are laid over the global ones.
 */
export const nest = <T extends MenuEntry>(entries: readonly T[]): Branch<T>[] => {
  const branches = new Map(
    entries.toSorted(inOrder).map((entry): [string, Branch<T>] => [entry.id, { ...entry, children: [] }]),
  )
  const roots: Branch<T>[] = []
  for (const branch of branches.values()) {
    const siblings = branch.parent_id === null ? roots : branches.get(branch.parent_id)?.children
    siblings?.push(branch)
  }
  cutBeyond(roots, levelsMax)
  return roots
}

/** Level by level, since a function that calls itself is just what great depth forbids. */
const cutBeyond = <T extends MenuEntry>(roots: readonly Branch<T>[], levels: number): void => {
  let level = roots
  for (let below = 1; below < levels && level.length > 0; below += 1) level = level.flatMap(({ children }) => children)
  for (const { children } of level) children.length = 0
}

/** By `sort_order`, then label, then code; texts by code unit, the same in every locale. */
const inOrder = (a: MenuEntry, b: MenuEntry): number =>
  a.sort_order - b.sort_order || compare(a.label, b.label) || compare(a.code, b.code)

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))
