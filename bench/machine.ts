import { execFile } from 'node:child_process'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { promisify } from 'node:util'
import { withConnection } from '../db/oneConnection.ts'

/** The machine and its programs in words, and how busy it was before the run. */
export const machineInWords = async (databaseUrl: string): Promise<string> => {
  const all = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  const [busy = 0] = loadavg()
  const database = await withConnection(databaseUrl, async (client) => {
    const { rows } = await client.query('show server_version')
    return String(rows[0].server_version)
  })
  return [
    `Measured on ${all.length} cores of ${all[0]?.model.trim()}, which servers, PostgreSQL and the load share; ${memory} GiB of memory,`,
    `${type()} ${release().split('-')[0]}, Node ${process.versions.node}, PostgreSQL ${database.split(' ')[0]} embedded with fsync on,`,
    `${await wrkVersion()} with one thread. ${busy.toFixed(1)} processes wanted to run on average in the minute before.`,
  ].join('\n')
}

/** It says so where it says how it is used, and fails. */
const wrkVersion = async (): Promise<string> => {
  const { stdout } = await promisify(execFile)('wrk', ['-v']).catch((error: { stdout: string }) => error)
  return `wrk ${/\d+\.\d+/.exec(stdout)?.[0]}`
}
