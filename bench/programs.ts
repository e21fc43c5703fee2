import { cpSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'

const root = path.join(import.meta.dirname, '..')

/**
 * Bundles the server and what it is measured against as `npm run build` bundles the server, into a folder where they
 * stay as they are until the end. Returns where a program stands.
 */
export const buildPrograms = async (folder: string): Promise<(name: string) => string> => {
  await build({
    absWorkingDir: root,
    entryPoints: {
      main: 'server/main.ts',
      hashWorker: 'server/platform/hashing/hashWorker.js',
      health: 'bench/bare/health.ts',
      me: 'bench/bare/me.ts',
      hash: 'bench/bare/hash.ts',
    },
    outdir: path.join(folder, 'dist'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  })
  cpSync(path.join(root, 'db/migrations'), path.join(folder, 'db/migrations'), { recursive: true })
  cpSync(path.join(root, 'package.json'), path.join(folder, 'package.json'))
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  return (name) => path.join(folder, 'dist', `${name}.js`)
}
