import { createHash } from 'node:crypto'
import { chownSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Account, canReach } from './account.ts'
import { cannotStart } from './errors.ts'

/** Outside of the project, for root alone. Both outlive a reboot. */
const shelters = ['/var/lib', '/var/tmp']

/**
 * Chooses the folder for a new cluster: `folder` itself, or, where the account cannot get there (a checkout below a
 * folder of mode 0700), one in /var/lib named after `folder`. What an earlier cluster left in the latter, whose
 * passwords went away with its project, is kept aside as `<name>.old`.
 */
export function chooseHome(folder: string, account: Account | undefined): string {
  if (!account || canReach(folder, account)) return folder
  const name = `tsforge-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`
  const shelter = shelters.find((path) => existsSync(path) && canReach(path, account))
  if (!shelter) throw cannotStart(`No user but root can reach ${folder}`, 'move the project out of a private folder')
  const home = join(shelter, name)
  if (existsSync(home)) keepAside(home)
  mkdirSync(home, { mode: 0o711 })
  return home
}

function keepAside(home: string): void {
  const stats = lstatSync(home)
  if (!stats.isDirectory() || stats.uid !== 0) throw cannotStart(`${home} belongs to somebody else`, 'remove it')
  rmSync(`${home}.old`, { recursive: true, force: true })
  renameSync(home, `${home}.old`)
}

/** An empty folder of mode 0700 that belongs to the account. */
export function makeFolder(path: string, account: Account | undefined): void {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { mode: 0o700 })
  if (account) chownSync(path, account.uid, account.gid)
}
