import * as crypto from 'node:crypto'
import type { Argon2Engine, Argon2Job, EngineName } from './argon2.ts'
import { createWasmEngine } from './wasmEngine.ts'

/** `crypto.argon2` of Node 24.7 and newer, which the types of Node 20 do not know. */
type NodeArgon2 = (
  algorithm: `argon2${Argon2Job['variant']}`,
  parameters: {
    readonly message: Uint8Array
    readonly nonce: Uint8Array
    readonly parallelism: number
    readonly tagLength: number
    readonly memory: number
    readonly passes: number
  },
  callback: (error: Error | null, hash: Uint8Array) => void,
) => void

const nothingToClose = async () => {}

/**
 * The fastest engine that this machine has: `@node-rs/argon2`, Node's own, or hash-wasm in worker threads.
 * Throws only when `forced` names one that is absent.
 */
export async function chooseEngine(idleMs: number, forced?: EngineName): Promise<Argon2Engine> {
  const makers = {
    native: loadNativeEngine,
    node: async () => createNodeEngine(),
    wasm: async () => createWasmEngine({ idleMs }),
  }
  if (forced === undefined) return (await makers.native()) ?? (await makers.node()) ?? makers.wasm()
  const engine = await makers[forced]()
  if (engine === undefined) throw new Error(`the Argon2 engine "${forced}" is not available here`)
  return engine
}

/** Undefined where the optional package or its binary for this platform is missing. */
async function loadNativeEngine(): Promise<Argon2Engine | undefined> {
  try {
    const { hashRaw } = await import('@node-rs/argon2')
    const algorithms = { d: 0, i: 1, id: 2 } as const
    const derive = (job: Argon2Job) =>
      hashRaw(job.password, {
        algorithm: algorithms[job.variant],
        salt: job.salt,
        memoryCost: job.memoryKib,
        timeCost: job.iterations,
        parallelism: job.parallelism,
        outputLen: job.hashLength,
      })
    return { name: 'native', derive, close: nothingToClose }
  } catch {
    return undefined
  }
}

function createNodeEngine(): Argon2Engine | undefined {
  const argon2: NodeArgon2 | undefined = Reflect.get(crypto, 'argon2')
  if (argon2 === undefined) return undefined
  const derive = (job: Argon2Job) =>
    new Promise<Uint8Array>((resolve, reject) => {
      const { password: message, salt: nonce, hashLength: tagLength, memoryKib: memory, iterations: passes } = job
      const parameters = { message, nonce, tagLength, memory, passes, parallelism: job.parallelism }
      argon2(`argon2${job.variant}`, parameters, (error, hash) => (error ? reject(error) : resolve(hash)))
    })
  return { name: 'node', derive, close: nothingToClose }
}
