import type { CreateHttpServer } from './exchange.ts'
import { createNodeServer } from './node.ts'
import { loadUws } from './uws.ts'

export interface Adapter {
  readonly create: CreateHttpServer
  readonly name: 'uws' | 'node'
  /** One line for the log when the server runs on less than was hoped for. */
  readonly notice?: string
}

/**
 * `auto` takes uWebSockets.js where it has a binary, else node:http.
 * @throws Error with the next step, when `uws` is wanted and has no binary.
 */
export async function chooseAdapter(wanted: 'auto' | 'uws' | 'node'): Promise<Adapter> {
  if (wanted === 'node') return { create: createNodeServer, name: 'node' }
  try {
    return { create: await loadUws(), name: 'uws' }
  } catch {
    const lack = `uWebSockets.js has no binary for Node ${process.versions.node} on ${process.platform} ${process.arch}`
    if (wanted === 'uws') throw new Error(`${lack}: run \`${installCommand()}\`, or set HTTP_ADAPTER=node.`)
    return {
      create: createNodeServer,
      name: 'node',
      notice: `${lack}, serving by node:http. To change that: ${installCommand()}`,
    }
  }
}

/** Node 24 and 25 have a package in the registry; for all others upstream's tags are the place. */
function installCommand(): string {
  const major = Number(process.versions.node.split('.')[0])
  const source =
    major === 24 || major === 25
      ? 'npm:@btc-vision/uwebsockets.js@20.57.0'
      : 'github:uNetworking/uWebSockets.js#v20.69.0'
  return `npm install "uWebSockets.js@${source}"`
}
