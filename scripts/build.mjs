// Bundles the server, its migration step and forge into dist/. Packages stay outside the bundle: node_modules is there wherever the bundle runs.
import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { build } from 'esbuild'

const root = path.resolve(import.meta.dirname, '..')

/** How any program of this project is bundled for Node; also those of the proofs and of the benchmark. */
export const bundling = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
}

/** Also what the test of the container asks which packages the bundles need. */
export const options = {
  ...bundling,
  absWorkingDir: root,
  entryPoints: {
    main: 'server/main.ts',
    migrate: 'server/migrate.ts',
    forge: 'server/cli/main.ts',
    hashWorker: 'server/platform/hashing/hashWorker.js',
  },
  outdir: 'dist',
  sourcemap: 'linked',
  write: false,
}

export const bundle = async () => {
  const { outputFiles } = await build(options)
  await mkdir(path.join(root, 'dist'), { recursive: true })
  await Promise.all(outputFiles.map(put))
}

/** Moved into place: whoever starts at the same moment finds a whole file. */
const put = async (file) => {
  const draft = `${file.path}.${process.pid}`
  await writeFile(draft, file.contents)
  await rename(draft, file.path)
}

if (process.argv[1] === import.meta.filename) await bundle()
