import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Account, canReach } from './account.ts'
import { cannotStart } from './errors.ts'

/** Outside of the project, for root alone. Both outlive a reboot. */
const shelterFolders = ['/var/lib', '/var/tmp']

/**
 * Where a new cluster goes when the account cannot reach `folder` (a checkout below a folder of mode 0700): a folder in
 * /var/lib named after `folder`. Undefined when it can be reached. What an earlier cluster left there, whose passwords
 * went away with its project, is kept aside as `<name>.old`.
 */
export function makeShelter(folder: string, account: Account | undefined): string | undefined {
  if (!account || canReach(folder, account)) return undefined
  const name = `tsforge-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`
  const parent = shelterFolders.find((path) => existsSync(path) && canReach(path, account))
  if (!parent) throw cannotStart(`No user but root can reach ${folder}`, 'move the project out of a private folder')
  const shelter = join(parent, name)
  if (existsSync(shelter)) keepAside(shelter)
  makeFolder(shelter, 0o711)
  claimShelter(shelter, folder)
  return shelter
}

function keepAside(shelter: string): void {
  const stats = lstatSync(shelter)
  if (!stats.isDirectory() || stats.uid !== 0) throw cannotStart(`${shelter} belongs to somebody else`, 'remove it')
  rmSync(`${shelter}.old`, { recursive: true, force: true })
  renameSync(shelter, `${shelter}.old`)
}

const claimFile = (shelter: string) => join(shelter, 'folder')

/** Notes in the shelter whose it is. */
export function claimShelter(shelter: string, folder: string): void {
  writeFileSync(claimFile(shelter), folder, { mode: 0o600 })
}

/** The folder that a shelter was made for; undefined when the shelter is gone. */
export function shelterOwner(shelter: string): string | undefined {
  return existsSync(claimFile(shelter)) ? readFileSync(claimFile(shelter), 'utf8') : undefined
}

/** Makes a folder of exactly this mode, whatever the umask. */
export function makeFolder(path: string, mode: number): void {
  mkdirSync(path, { recursive: true })
  chmodSync(path, mode)
}

/** An empty folder in place of what was there, for the account alone. */
export function makePrivateFolder(path: string, account: Account | undefined): void {
  rmSync(path, { recursive: true, force: true })
  makeFolder(path, 0o700)
  if (account) chownSync(path, account.uid, account.gid)
}
