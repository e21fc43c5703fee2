import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, messageOf } from '../causes.ts'
import { cannotStart } from './errors.ts'
import { claimShelter, shelterOwner } from './home.ts'

export type RoleName = 'supervisor' | 'owner' | 'app' | 'gate'

/** What must be remembered about a cluster between runs. */
export interface Cluster {
  /** The folder of the cluster when it could not be put into the data folder; absolute. */
  readonly shelter: string | undefined
  /** The port of the last start on 127.0.0.1; 0 before the first. */
  readonly port: number
  /** False until roles and database exist: a cluster that never served is made anew. */
  readonly ready: boolean
  readonly passwords: Readonly<Record<RoleName, string>>
}

/** The name of the one database in a cluster. */
export const databaseName = 'app'

/** A cluster that is yet to be made. */
export function newCluster(shelter: string | undefined): Cluster {
  const password = () => randomBytes(24).toString('base64url')
  const passwords = { supervisor: password(), owner: password(), app: password(), gate: password() }
  return { shelter, port: 0, ready: false, passwords }
}

/** The folder that holds `data` and, where needed, a copy of the programs. */
export function homeOf(folder: string, cluster: Cluster | undefined): string {
  return cluster?.shelter ?? folder
}

const fileIn = (folder: string) => join(folder, 'cluster.json')

/**
 * What is remembered in `folder`; undefined on the first start. Throws DatabaseStartError when the file is damaged or
 * belongs to somebody else, or when there is a database whose passwords are lost.
 */
export function readCluster(folder: string): Cluster | undefined {
  const cluster = readFile(folder)
  if (cluster) return cluster.shelter === undefined || inherits(folder, cluster.shelter) ? cluster : undefined
  if (existsSync(join(folder, 'data', 'PG_VERSION'))) {
    throw cannotStart(
      `${join(folder, 'data')} holds a database, but ${fileIn(folder)} with its passwords is missing`,
      `move ${folder} away`,
    )
  }
  return undefined
}

function readFile(folder: string): Cluster | undefined {
  const file = fileIn(folder)
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Cluster
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw cannotStart(`${file} cannot be read (${messageOf(error)})`, `make it readable or move ${folder} away`, error)
  }
}

/** A project that was moved keeps its shelter; a copy of one that is still there does not get to share it. */
function inherits(folder: string, shelter: string): boolean {
  const owner = shelterOwner(shelter)
  if (owner === folder) return true
  if (owner === undefined || existsSync(fileIn(owner))) return false
  claimShelter(shelter, folder)
  return true
}

/** Renamed into place, so that a reader finds the old or the new file and never half of one. */
export function writeCluster(folder: string, cluster: Cluster): void {
  const draft = `${fileIn(folder)}.draft`
  writeFileSync(draft, `${JSON.stringify(cluster, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, fileIn(folder))
}

/** A connection string for a role of the cluster. */
export function urlOf({ port, passwords }: Cluster, role: RoleName, database: string = databaseName): string {
  return `postgres://${role}:${passwords[role]}@127.0.0.1:${port}/${database}`
}
