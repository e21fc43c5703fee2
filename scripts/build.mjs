// Bundles the server into dist/. Packages stay outside the bundle: node_modules is there wherever the bundle runs.
import { rm } from 'node:fs/promises'
import { build } from 'esbuild'

export const bundle = async () => {
  await rm('dist', { recursive: true, force: true })
  await build({
    entryPoints: { main: 'server/main.ts', hashWorker: 'server/platform/hashing/hashWorker.js' },
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'warning',
  })
}

if (process.argv[1] === import.meta.filename) await bundle()
