import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, messageOf } from '../causes.ts'
import { cannotStart } from './errors.ts'

export const roleNames = ['supervisor', 'owner', 'app', 'gate'] as const
export type RoleName = (typeof roleNames)[number]

/** What must be remembered about a cluster between runs. */
export interface Cluster {
  /** The folder that holds `data` and, where needed, a copy of the programs. */
  readonly home: string
  /** The port of the last start on 127.0.0.1; 0 before the first. */
  readonly port: number
  /** False until roles and database exist: a cluster that never served is made anew. */
  readonly ready: boolean
  readonly passwords: Readonly<Record<RoleName, string>>
}

/** The name of the one database in a cluster. */
export const databaseName = 'app'

export const newCluster = (home: string): Cluster => {
  const password = () => randomBytes(24).toString('base64url')
  return {
    home,
    port: 0,
    ready: false,
    passwords: { supervisor: password(), owner: password(), app: password(), gate: password() },
  }
}

const fileIn = (folder: string) => join(folder, 'cluster.json')

/**
 * What is remembered in `folder`; undefined on the first start. Throws DatabaseStartError when the file is damaged or
 * belongs to somebody else, or when there is a database whose passwords are lost.
 */
export function readCluster(folder: string): Cluster | undefined {
  const file = fileIn(folder)
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Cluster
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') {
      throw cannotStart(
        `${file} cannot be read (${messageOf(error)})`,
        `make it readable or move ${folder} away`,
        error,
      )
    }
  }
  const data = join(folder, 'data')
  if (existsSync(join(data, 'PG_VERSION'))) {
    throw cannotStart(`${data} holds a database whose passwords in ${file} are missing`, `move ${folder} away`)
  }
  return undefined
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
