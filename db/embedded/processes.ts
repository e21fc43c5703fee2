import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
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

/** Whether any process has this number, ours or not. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
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

/** Field 22 of /proc/<pid>/stat (proc(5)), counted behind the name, which may contain spaces. */
function startTimeOf(pid: number): string {
  if (process.platform !== 'linux') return '0'
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0'
  } catch {
    return '0'
  }
}
