import { execFile } from 'node:child_process'
import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { cannotStart } from './errors.ts'

const run = promisify(execFile)

/** An operating system user that PostgreSQL runs under, other than our own. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * The account PostgreSQL must run under; undefined means our own. PostgreSQL refuses to run as root, so root lends it
 * the user that owns an existing `dataFolder`, else `postgres`, else `nobody`. No user is ever created.
 */
export async function chooseAccount(dataFolder: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = statSync(dataFolder, { throwIfNoEntry: false })
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const account = (await lookUp('postgres')) ?? (await lookUp('nobody'))
  if (!account) {
    throw cannotStart(
      'PostgreSQL refuses to run as root, and there is no user postgres or nobody',
      'start as another user',
    )
  }
  return account
}

async function lookUp(name: string): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, name])).stdout)),
    )
    return uid && gid ? { uid, gid } : undefined
  } catch {
    return undefined
  }
}

/** Whether the account can reach what lies in this existing folder: every folder down to it lets the account pass. */
export function canReach(folder: string, { uid, gid }: Account): boolean {
  for (let path = realpathSync(folder); ; path = dirname(path)) {
    const { mode, uid: owner, gid: group } = statSync(path)
    const passes = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001
    if ((mode & passes) === 0) return false
    if (path === dirname(path)) return true
  }
}
