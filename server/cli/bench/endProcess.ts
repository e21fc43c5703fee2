import type { ChildProcess } from 'node:child_process'

const patienceMs = 15_000

/** SIGTERM, then SIGKILL for a process that takes too long. Resolves once it has ended. */
export const endProcess = async (child: ChildProcess): Promise<void> => {
  if (hasEnded(child)) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  await ended
  clearTimeout(timer)
}

export const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null
