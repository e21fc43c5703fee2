import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import path from 'node:path'
import { chooseAdapter } from '../../http/adapter.ts'
import { chooseEngine } from '../../platform/hashing/engines.ts'
import { oldestNode } from '../../version.ts'
import { type Finding, failed, inWords, ok, warning } from './finding.ts'

/** What a machine must have, whatever the configuration. */
export const checkMachine = async (adapter: 'auto' | 'uws' | 'node'): Promise<Finding[]> => [
  checkNode(process.versions.node),
  await checkAdapter(adapter),
  await checkHashing(),
]

const checkNode = (version: string): Finding => {
  const numbers = (text: string) => text.split('.').map(Number)
  const [major = 0, minor = 0] = numbers(version)
  const [leastMajor = 0, leastMinor = 0] = numbers(oldestNode)
  const isNewEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor)
  return isNewEnough ? ok('node', version) : failed('node', version, `install Node ${oldestNode} or newer`)
}

const checkAdapter = async (wanted: 'auto' | 'uws' | 'node'): Promise<Finding> => {
  try {
    const { name, notice } = await chooseAdapter(wanted)
    if (notice === undefined)
      return ok('adapter', name === 'uws' ? 'uWebSockets.js' : 'node:http, as HTTP_ADAPTER says')
    const [lack = '', command = ''] = notice.split(' To change that: ')
    return warning('adapter', lack, `run \`${command}\``)
  } catch (error) {
    const [lack = '', fix = ''] = inWords(error).split(': run ')
    return failed('adapter', lack, `run ${fix}`)
  }
}

/** A short hash, so that an engine that is there and cannot work is told from one that can. */
const checkHashing = async (): Promise<Finding> => {
  const bytes = new TextEncoder().encode('a password or a salt')
  try {
    const engine = await chooseEngine(1)
    await engine.derive({
      variant: 'id',
      password: bytes,
      salt: bytes,
      memoryKib: 64,
      iterations: 1,
      parallelism: 1,
      hashLength: 32,
    })
    await engine.close()
    if (engine.name !== 'wasm')
      return ok('hashing', engine.name === 'native' ? '@node-rs/argon2' : 'Argon2 of Node itself')
    return warning(
      'hashing',
      'hash-wasm, the slowest of the engines',
      'run `npm ci` without --omit=optional, which brings @node-rs/argon2',
    )
  } catch (error) {
    return failed('hashing', inWords(error), 'run `npm ci` again')
  }
}

const gib = 2 ** 30
const leastBytes = { warning: gib, failed: gib / 10 }

/** `dataDir` need not be there yet. */
export const checkDisk = (dataDir: string): Finding => {
  try {
    let folder = dataDir
    while (!existsSync(folder)) folder = path.dirname(folder)
    accessSync(folder, constants.W_OK)
    const { bavail, bsize } = statfsSync(folder)
    const free = bavail * bsize
    const found = `${(free / gib).toFixed(1)} GiB free for ${dataDir}`
    if (free >= leastBytes.warning) return ok('disk', found)
    return (free < leastBytes.failed ? failed : warning)('disk', found, 'make room, or set DATA_DIR to another disk')
  } catch (error) {
    return failed('disk', inWords(error), 'make the folder writable for this user, or set DATA_DIR to another one')
  }
}
