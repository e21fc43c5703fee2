import { readdirSync, readFileSync } from 'node:fs'
import { statOf } from '../../../db/embedded/processes.ts'

/** Linux counts in hundredths of a second for everybody who asks through /proc, whatever it counts in itself: proc(5). */
const microsecondsATick = 10_000

/** User and system time, the fields 14 and 15; 0 for a process that is over. */
const ticks = (stat: readonly string[]): number => Number(stat[11] ?? 0) + Number(stat[12] ?? 0)

/** User and system time of all threads of a process since its start. */
export const cpuMicroseconds = (pid: number): number => ticks(statOf(pid)) * microsecondsATick

export const parentOf = (pid: number): number => Number(statOf(pid)[1])

/** A PostgreSQL server and the children it has now. */
const familyOf = (postmaster: number): readonly number[] => {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === postmaster)
  return [postmaster, ...children.map(Number)]
}

/** Of the children that a process has seen end, the fields 16 and 17. */
const endedTicks = (stat: readonly string[]): number => Number(stat[13] ?? 0) + Number(stat[14] ?? 0)

/** The time of a PostgreSQL server, of the children it has and of those it had: a worker may end between two readings. */
export const postgresMicroseconds = (postmaster: number | undefined): number =>
  postmaster === undefined
    ? 0
    : familyOf(postmaster).reduce((sum, pid) => sum + cpuMicroseconds(pid), 0) +
      endedTicks(statOf(postmaster)) * microsecondsATick

/** Of /proc/<pid>/status, in KiB; 0 for a process that is over. */
const memoryOf = (pid: number, name: 'VmRSS' | 'RssAnon' | 'RssFile' | 'RssShmem'): number => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** Resident memory of a process. */
export const residentMib = (pid: number): number => memoryOf(pid, 'VmRSS') / 1024

/** Resident memory of a PostgreSQL server with its children, what they share counted once: as much as one of them sees of it. */
export const postgresMib = (postmaster: number): number => {
  const pids = familyOf(postmaster)
  const own = pids.reduce((sum, pid) => sum + memoryOf(pid, 'RssAnon'), 0)
  const most = (name: 'RssFile' | 'RssShmem') => Math.max(...pids.map((pid) => memoryOf(pid, name)))
  return (own + most('RssShmem') + most('RssFile')) / 1024
}
