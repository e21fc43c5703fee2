import { readFileSync } from 'node:fs'
import { ForgeError, misused } from '../forgeError.ts'

/** What is open besides connections: files, the database, whatever tells of CPU and memory. */
const others = 100

/** Throws ForgeError where so many connections are more than this process may open. Only Linux tells. */
export const expectRoomFor = (connections: number): void => {
  const most = openFilesMax() - others
  if (connections <= most) return
  throw new ForgeError(
    `${connections} connections are more than this process may open: raise ulimit -n to ${connections + others}, or lower --concurrency to ${Math.max(1, most)}.`,
    misused,
  )
}

/** proc(5); infinite where it is not known. */
const openFilesMax = (): number => {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
