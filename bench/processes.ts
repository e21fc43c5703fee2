import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second for everybody who asks through /proc, whatever it counts in itself: proc(5). */
const microsecondsATick = 10_000

/** The fields of /proc/<pid>/stat behind the name, which may hold blanks itself; undefined for a process that is over. */
const statOf = (pid: number | string): readonly string[] | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

const ticks = (stat: readonly string[] | undefined): number => (stat ? Number(stat[11]) + Number(stat[12]) : 0)

/** User and system time of all threads of a process since its start. */
export const cpuMicroseconds = (pid: number): number => ticks(statOf(pid)) * microsecondsATick

export const parentOf = (pid: number): number => Number(statOf(pid)?.[1])

/** The time of a PostgreSQL server and of the children it has now: connections stay open between two readings. */
export const postgresMicroseconds = (postmaster: number | undefined): number => {
  if (postmaster === undefined) return 0
  let sum = 0
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const stat = statOf(pid)
    if (Number(pid) === postmaster || Number(stat?.[1]) === postmaster) sum += ticks(stat)
  }
  return sum * microsecondsATick
}

/** Resident memory of a process. */
export const residentMib = (pid: number): number => {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) / 1024
}
