export interface Route<T> {
  readonly method: string
  /** Segments after '/'; a whole segment in braces is a parameter: `/api/v1/menus/{id}`. */
  readonly path: string
  readonly value: T
}

/** The route found, or the methods its path allows, or null for a path nobody serves. */
export type Match<T> = Found<T> | { readonly allow: readonly string[] } | null

export interface Found<T> {
  readonly value: T
  /** Raw segments in the order of the path, percent-encoding intact. */
  readonly params: readonly string[]
}

export interface Router<T> {
  /** `path` is compared as it was sent: no folding of case, no decoding, no care for a trailing slash. */
  match(method: string, path: string): Match<T>
}

/** What is served at one path: its values by method. `value` wraps them, so that undefined may be one. */
type Methods<T> = Map<string, { readonly value: T }>

interface Node<T> {
  readonly literals: Map<string, Node<T>>
  parameter: { readonly name: string; readonly node: Node<T> } | null
  methods: Methods<T> | null
}

const noParams: readonly string[] = []

/**
 * Builds a matcher. Literal segments win over parameters, level by level, but a literal that leads nowhere is given up
 * for the parameter next to it, also when it serves the path by another method only.
 * @throws Error for a path that cannot be matched, a route given twice, or a parameter with two names at one place.
 */
export function createRouter<T>(routes: readonly Route<T>[]): Router<T> {
  const statics = new Map<string, Methods<T>>()
  const root = newNode<T>()
  for (const route of routes) {
    const methods = route.path.includes('{') ? methodsAt(root, route.path) : staticMethods(statics, route.path)
    if (methods.has(route.method)) throw new Error(`Two routes serve ${route.method} ${route.path}.`)
    methods.set(route.method, { value: route.value })
  }
  return {
    match(method, path) {
      const found = statics.get(path)
      const handler = found && pick(found, method)
      if (handler) return { value: handler.value, params: noParams }
      const visit: Visit<T> = { path, method, params: [], allowed: found ? [found] : [] }
      const deep = root.literals.size > 0 || root.parameter ? search(root, 0, visit) : null
      if (deep) return { value: deep.value, params: visit.params }
      return visit.allowed.length > 0 ? { allow: allowedMethods(visit.allowed) } : null
    },
  }
}

interface Visit<T> {
  readonly path: string
  readonly method: string
  readonly params: string[]
  /** Places that fit the path but not the method. */
  readonly allowed: Methods<T>[]
}

/** `start` is the index of the slash before the segment to match. */
function search<T>(node: Node<T>, start: number, visit: Visit<T>): { readonly value: T } | null {
  const { path } = visit
  if (start === path.length) return settle(node, visit)
  if (path.charCodeAt(start) !== 47) return null
  const slash = path.indexOf('/', start + 1)
  const end = slash === -1 ? path.length : slash
  const segment = path.slice(start + 1, end)
  const literal = node.literals.get(segment)
  const found = literal ? search(literal, end, visit) : null
  if (found || !node.parameter || !isParameterValue(segment)) return found
  visit.params.push(segment)
  const deeper = search(node.parameter.node, end, visit)
  if (!deeper) visit.params.pop()
  return deeper
}

function settle<T>(node: Node<T>, visit: Visit<T>): { readonly value: T } | null {
  if (!node.methods) return null
  const handler = pick(node.methods, visit.method)
  if (!handler) visit.allowed.push(node.methods)
  return handler ?? null
}

/** HEAD is served by the route of GET unless it has one of its own (RFC 9110 9.3.2). */
function pick<T>(methods: Methods<T>, method: string): { readonly value: T } | undefined {
  return methods.get(method) ?? (method === 'HEAD' ? methods.get('GET') : undefined)
}

function allowedMethods<T>(places: readonly Methods<T>[]): string[] {
  const allowed = new Set(places.flatMap((methods) => [...methods.keys()]))
  if (allowed.has('GET')) allowed.add('HEAD')
  allowed.add('OPTIONS')
  return [...allowed].sort()
}

/** Dot segments are a proxy's business to resolve: a parameter that takes one names another path to it than to us. */
function isParameterValue(segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..'
}

function newNode<T>(): Node<T> {
  return { literals: new Map(), parameter: null, methods: null }
}

function staticMethods<T>(statics: Map<string, Methods<T>>, path: string): Methods<T> {
  segmentsOf(path)
  const methods = statics.get(path) ?? new Map()
  statics.set(path, methods)
  return methods
}

function methodsAt<T>(root: Node<T>, path: string): Methods<T> {
  let node = root
  for (const segment of segmentsOf(path)) {
    node = segment.startsWith('{') ? parameterNode(node, segment.slice(1, -1), path) : literalNode(node, segment)
  }
  node.methods ??= new Map()
  return node.methods
}

function literalNode<T>(parent: Node<T>, segment: string): Node<T> {
  const node = parent.literals.get(segment) ?? newNode<T>()
  parent.literals.set(segment, node)
  return node
}

function parameterNode<T>(parent: Node<T>, name: string, path: string): Node<T> {
  parent.parameter ??= { name, node: newNode() }
  if (parent.parameter.name !== name) {
    throw new Error(
      `${path} names a parameter {${name}} where another route has {${parent.parameter.name}}: choose one.`,
    )
  }
  return parent.parameter.node
}

function segmentsOf(path: string): string[] {
  if (!path.startsWith('/')) throw new Error(`The route ${JSON.stringify(path)} does not begin with '/'.`)
  const segments = path.slice(1).split('/')
  const wrong = segments.find((segment) => /[{}]/.test(segment) && !/^\{\w+\}$/.test(segment))
  if (wrong !== undefined) throw new Error(`${path}: ${wrong} is not a whole segment in braces.`)
  const names = segments.filter((segment) => segment.startsWith('{'))
  if (new Set(names).size < names.length) throw new Error(`${path} names one parameter twice.`)
  return segments
}
