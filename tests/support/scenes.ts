/// <reference types="vite/client" />
import { modules } from '../../server/modules.ts'

/** What the laws that walk over every entry must know of a module: its rows, and how its mutations are done. */
export interface Scene {
  /** The module's name. */
  readonly module: string
  /** Its rows belong to no tenant and are shared by all: they are put in once, where `tenantId` is null. */
  readonly isShared?: boolean
  /**
   * Puts rows into all tables of the module, two of each that a list shows, every text beginning with `canary`. Resolves
   * to two ids for each resource as the paths name it: calls name the first, rows of other modules refer to the second.
   */
  readonly furnish: (place: Place) => Promise<Readonly<Record<string, readonly [named: string, referred: string]>>>
  /** What the fields with an id refer to where their name does not say it: `{ 'invoices.customer_id': 'users' }`. */
  readonly references?: Readonly<Record<string, string>>
  /** Topics that no call records, but duties and consumers do. */
  readonly behindTheScene?: readonly string[]
  /** By the key of the entry: the topic it records, and how it is called once with success. */
  readonly deeds: Readonly<Record<string, readonly [topic: string, prepare: (work: Work) => Promise<Deed>]>>
}

export interface Place {
  readonly tenantId: string | null
  readonly canary: string
  /** Of what is there already, by resource: a person of the tenant as `users`, and rows of the modules listed before. */
  readonly ids: Readonly<Record<string, string>>
  readonly insert: (table: string, row: Readonly<Record<string, unknown>>) => Promise<void>
}

/** A place to work in: a tenant that the administrator owns. */
export interface Work {
  readonly headers: Readonly<Record<string, string>>
  /** The administrator. */
  readonly personId: string
  /** Makes something by POST in that tenant and resolves to its id. */
  readonly make: (path: string, body: unknown) => Promise<string>
}

/** Makes the body of a call that creates one of a resource, with everything in it that it can have. */
export type Body = (work: Work) => Promise<Readonly<Record<string, unknown>>>

export interface Deed {
  readonly method: string
  /** Behind /api/v1. */
  readonly path: string
  readonly body?: unknown
}

/** The project's own come before that of an example whose module has the same name. */
const found: readonly Scene[] = [
  ...Object.values(import.meta.glob<Scene>('../scenes/*.ts', { eager: true, import: 'scene' })),
  ...Object.values(import.meta.glob<Scene>('../../examples/*/tests/scene.ts', { eager: true, import: 'scene' })),
]

/**
 * Of the modules that this server is made of, in their order; those that came with the product are known to the laws
 * themselves.
 */
export const scenes: readonly Scene[] = modules.flatMap(({ name }) => found.find(({ module }) => module === name) ?? [])

/**
 * Puts in the rows of all scenes that are shared, or of all that belong to a tenant, one after the other. Resolves to
 * the ids that calls name, and those that rows refer to.
 */
export const furnish = async (place: Place) => {
  const named: Record<string, string> = {}
  const referred: Record<string, string> = { ...place.ids }
  for (const scene of scenes.filter(({ isShared = false }) => isShared === (place.tenantId === null))) {
    for (const [resource, [first, second]] of Object.entries(await scene.furnish({ ...place, ids: referred }))) {
      named[resource] = first
      referred[resource] = second
    }
  }
  return { named, referred }
}
