import { execFileSync } from 'node:child_process'

/** Linux alone limits a process from outside. */
export const hasFullDisk = process.platform === 'linux'
if (!hasFullDisk) console.warn('skipped: the tests of a full disk need prlimit of Linux')

const prlimit = (...options: string[]) =>
  execFileSync('prlimit', ['--pid', String(process.pid), ...options], { encoding: 'utf8' }).trim()

/** Does what ends before it returns, while a file of this process breaks off behind so many bytes, as on a full disk. */
export const onFullDisk = (bytes: number, work: () => void): void => {
  const before = prlimit('--fsize', '--output=SOFT', '--noheadings', '--raw')
  prlimit(`--fsize=${bytes}:`)
  try {
    work()
  } finally {
    prlimit(`--fsize=${before}:`)
  }
}
