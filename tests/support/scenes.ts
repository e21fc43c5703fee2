/// <reference types="vite/client" />
import { modules } from '../../server/modules.ts'

/** What the laws that walk over every entry must know of a module: its rows, and how its mutations are done. */
export interface Scene {
  /** The module's name. */
  readonly module: string
  /**
   * Puts rows into all tables of the module, two of each that a list shows, every text beginning with `canary`. Resolves
   * to an id for each resource as the paths name it: `{ invoices: '…' }`.
   */
  readonly furnish: (place: Place) => Promise<Readonly<Record<string, string>>>
  /** Topics that no call records, but duties and consumers do. */
  readonly behindTheScene?: readonly string[]
  /** By the key of the entry: the topic it records, and how it is called once with success. */
  readonly deeds: Readonly<Record<string, readonly [topic: string, prepare: (work: Work) => Promise<Deed>]>>
}

export interface Place {
  readonly tenantId: string
  readonly canary: string
  readonly insert: (table: string, row: Readonly<Record<string, unknown>>) => Promise<void>
}

/** A place to work in: a tenant that the administrator owns. */
export interface Work {
  readonly headers: Readonly<Record<string, string>>
  /** Makes something by POST in that tenant and resolves to its id. */
  readonly make: (path: string, body: unknown) => Promise<string>
}

export interface Deed {
  readonly method: string
  /** Behind /api/v1. */
  readonly path: string
  readonly body?: unknown
}

const found = import.meta.glob<Scene>(['../scenes/*.ts', '../../examples/*/tests/scene.ts'], {
  eager: true,
  import: 'scene',
})

const isListed = ({ module }: Scene) => modules.some(({ name }) => name === module)

/** Of the modules that this server is made of; those that came with the product are known to the laws themselves. */
export const scenes: readonly Scene[] = Object.values(found).filter(isListed)
