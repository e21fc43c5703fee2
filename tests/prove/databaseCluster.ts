import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { chooseAccount } from '../../db/embedded/account.ts'
import { findBinaries } from '../../db/embedded/binaries.ts'
import { environment, findPostmaster, startPostmaster } from '../../db/embedded/postmaster.ts'
import { isAlive } from '../../db/embedded/processes.ts'
import { startEmbedded } from '../../db/embedded/startEmbedded.ts'
import { withConnection } from '../../db/oneConnection.ts'

const run = promisify(execFile)
const pollMs = 10
const startAttempts = 100

/** A PostgreSQL of the proof's own, that can be made to die. */
export interface ProofCluster {
  readonly ownerUrl: string
  readonly appUrl: string
  readonly gateUrl: string
  /** `pg_ctl restart -m immediate`: no goodbye, crash recovery at the start. Resolves when it was started again. */
  readonly restartImmediately: () => Promise<void>
  /** Kills the postmaster with SIGKILL and starts another one. Resolves as the other does. */
  readonly killPostmaster: () => Promise<void>
  /** Resolves once a query is answered. */
  readonly accepting: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Makes and starts it. Without `isDurable` a COMMIT does not wait for the disk, as no database that counts is set up. */
export async function startCluster({ isDurable }: { isDurable: boolean }): Promise<ProofCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'tsforge-prove-db-'))
  // For the user that PostgreSQL runs under when root runs the proof.
  chmodSync(folder, 0o711)
  const { ownerUrl, appUrl, gateUrl, port, stop } = await startEmbedded({ dataDir: folder, durable: isDurable })
  const home = join(folder, 'postgres')
  const data = join(home, 'data')
  const account = await chooseAccount(data)
  const binaries = await findBinaries({ home, account })

  // A proof that is given up must not leave a database behind.
  const kill = () => {
    const pid = findPostmaster(data)?.pid
    if (pid !== undefined) process.kill(pid, 'SIGQUIT')
  }
  process.once('exit', kill)

  const startAgain = async () => {
    for (let attempt = 1; attempt <= startAttempts; attempt++) {
      const logFile = join(home, 'postgres.log')
      const started = await startPostmaster({ binaries, data, logFile, port, account, durable: isDurable })
      if (typeof started !== 'string') return
      // The children of the one that was killed are on their way out, and hold its memory.
      await sleep(pollMs)
    }
    throw new Error('PostgreSQL does not start again')
  }
  return {
    ownerUrl,
    appUrl,
    gateUrl,
    async restartImmediately() {
      const log = join(data, 'restart.log')
      await run(binaries.pgCtl, ['restart', '-D', data, '-m', 'immediate', '-w', '-l', log], {
        ...account,
        cwd: data,
        env: environment,
      })
    },
    async killPostmaster() {
      const pid = findPostmaster(data)?.pid
      if (pid === undefined) throw new Error('there is no postmaster to kill')
      process.kill(pid, 'SIGKILL')
      while (isAlive(pid)) await sleep(1)
      await startAgain()
    },
    async accepting() {
      for (;;) {
        const answer = withConnection(appUrl, (client) => client.query('select 1'))
        if (await answer.catch(() => undefined)) return
        await sleep(pollMs)
      }
    },
    async stop() {
      await stop()
      process.off('exit', kill)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
