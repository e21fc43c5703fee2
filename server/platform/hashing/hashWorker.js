// Runs Argon2 off the event loop. Plain JavaScript: a worker thread gets neither tsx nor the bundle of the server.
import { parentPort } from 'node:worker_threads'
import { argon2d, argon2i, argon2id } from 'hash-wasm'

const functions = { id: argon2id, i: argon2i, d: argon2d }

parentPort?.on('message', async ({ variant, memoryKib, ...job }) => {
  try {
    parentPort?.postMessage({ hash: await functions[variant]({ ...job, memorySize: memoryKib, outputType: 'binary' }) })
  } catch (error) {
    parentPort?.postMessage({ failure: error instanceof Error ? error.message : String(error) })
  }
})
