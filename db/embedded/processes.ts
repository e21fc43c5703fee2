import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { codeOf } from '../causes.ts'

/** `<pid> <start time>`: the start time tells a process from a later one with the same number (Linux only, else 0). */
export function describeProcess(pid: number): string {
  return `${pid} ${startTimeOf(pid)}`
}

/** Whether the process that `description` (of describeProcess) stands for still runs. */
export function isRunning(description: string): boolean {
  const [pid = '', startTime = ''] = description.trim().split(' ')
  return isAlive(Number(pid)) && startTimeOf(Number(pid)) === startTime
}

/** Whether the number is in use at all, if only by a process that is dead and whose parent has not noticed (a zombie). */
export function exists(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** Whether a process of this number does anything. In containers the dead often stay as zombies: nobody collects them. */
export function isAlive(pid: number): boolean {
  return exists(pid) && statOf(pid)[0] !== 'Z'
}

/** The command line of a running process; empty when it cannot be told. */
export function commandOf(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    if (process.platform === 'win32') return ''
    return execFileSync('ps', ['-p', String(pid), '-o', 'command='], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    return ''
  }
}

/** The working directory of a process, by its present name even after a move; undefined where it cannot be told (Linux only). */
export function folderOf(pid: number): string | undefined {
  try {
    return process.platform === 'linux' ? readlinkSync(`/proc/${pid}/cwd`) : undefined
  } catch {
    return undefined
  }
}

/** Field 22 of /proc/<pid>/stat. */
function startTimeOf(pid: number): string {
  return statOf(pid)[19] ?? '0'
}

/** The fields of /proc/<pid>/stat from the third, the state, on (proc(5)): the second is a name that may hold spaces. */
export function statOf(pid: number): string[] {
  if (process.platform !== 'linux') return []
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}
