import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { cpuMicroseconds, postgresMib, postgresMicroseconds, residentMib } from './processes.ts'

/** Since the process began, and now. */
export interface Reading {
  readonly cpuMicroseconds: number
  readonly residentMib: number
}

/** Of a server and of the PostgreSQL that it is connected to; undefined for what cannot be seen from here. */
export interface Usage {
  readonly server: Reading | undefined
  readonly database: Reading | undefined
}

/** Of /proc/net/tcp. */
interface SocketRow {
  readonly localPort: number
  readonly remotePort: number
  readonly isListening: boolean
  readonly inode: string
}

/**
 * Finds the processes behind an address of this machine by their sockets, and the PostgreSQL at the other end of their
 * connections. Only Linux tells, and only of processes of the same user, or to root.
 */
export const watchUsage = (origin: URL): (() => Usage) => {
  const pids = isLocal(origin) ? serversAt(Number(origin.port || (origin.protocol === 'https:' ? 443 : 80))) : []
  const postmaster = postmasterOf(pids)
  const total = (of: (pid: number) => number) => pids.reduce((sum, pid) => sum + of(pid), 0)
  return () => ({
    server: pids.length === 0 ? undefined : readingOf(total(cpuMicroseconds), total(residentMib)),
    database:
      postmaster === undefined ? undefined : readingOf(postgresMicroseconds(postmaster), postgresMib(postmaster)),
  })
}

const readingOf = (cpuUs: number, mib: number): Reading => ({ cpuMicroseconds: cpuUs, residentMib: mib })

const isLocal = ({ hostname }: URL): boolean => /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)

/** Several where workers share a port. */
const serversAt = (port: number): readonly number[] => {
  const inodes = new Set(sockets().flatMap((row) => (row.isListening && row.localPort === port ? row.inode : [])))
  return inodes.size === 0 ? [] : processes().filter((pid) => inodesOf(pid).some((inode) => inodes.has(inode)))
}

const postmasterOf = (servers: readonly number[]): number | undefined => {
  const own = new Set(servers.flatMap(inodesOf))
  const ports = new Set(
    sockets().flatMap(({ isListening, remotePort, inode }) => (!isListening && own.has(inode) ? remotePort : [])),
  )
  return [...ports].flatMap(serversAt).find((pid) => nameOf(pid) === 'postgres')
}

const sockets = (): readonly SocketRow[] => ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(rowsOf)

/** Ports are hexadecimal, and state 0A is LISTEN: proc(5). */
const rowsOf = (file: string): SocketRow[] => {
  const portOf = (address = '') => Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16)
  return linesOf(file).map((line) => {
    const [, local, remote, state, , , , , , inode = ''] = line.trim().split(/\s+/)
    return { localPort: portOf(local), remotePort: portOf(remote), isListening: state === '0A', inode }
  })
}

const linesOf = (file: string): readonly string[] => {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(1)
  } catch {
    return []
  }
}

const processes = (): readonly number[] =>
  readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? Number(name) : []))

/** Of the sockets that a process holds; none for one that is not ours to look at. */
const inodesOf = (pid: number): readonly string[] => {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).flatMap((name) => /^socket:\[(\d+)\]$/.exec(targetOf(`${folder}/${name}`))?.[1] ?? [])
  } catch {
    return []
  }
}

const targetOf = (link: string): string => {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}

const nameOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}
