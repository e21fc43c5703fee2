// Makes the package that front ends install out of client-sdk/: `npm run build` writes it to dist/client, and
// `npm pack ./dist/client` makes a tarball of it. Another folder may be named: `npx tsx scripts/packClient.ts FOLDER`.
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Contract } from '../contract/define.ts'
import { contract } from '../contract/index.ts'
import { declarationsOf } from './client/declarations.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const describe = (feature: string, name: string): string => {
  const entry = (contract as Contract)[feature]?.[name]
  return entry ? `${entry.summary} \`${entry.http[0]} ${entry.http[1]}\`` : ''
}

const bundle = (folder: string) =>
  build({
    entryPoints: [path.join(root, 'client-sdk/index.ts')],
    outfile: path.join(folder, 'index.js'),
    bundle: true,
    platform: 'neutral',
    format: 'esm',
    target: 'es2022',
    external: ['@trpc/client'],
    logLevel: 'warning',
  })

/** What npm reads. Both packages of tRPC are exact: @trpc/client asks for its own version of @trpc/server. */
const manifest = async (): Promise<object> => {
  const read = async (file: string) => JSON.parse(await readFile(path.join(root, file), 'utf8'))
  const { version, dependencies, license } = await read('package.json')
  const { name, description } = await read('client-sdk/package.json')
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    sideEffects: false,
    exports: { '.': { types: './index.d.ts', default: './index.js' }, './package.json': './package.json' },
    types: './index.d.ts',
    files: ['*.js', '*.d.ts'],
    engines: { node: '>=20' },
    dependencies: { '@trpc/client': dependencies['@trpc/client'], '@trpc/server': dependencies['@trpc/server'] },
  }
}

export const packClient = async (folder: string): Promise<void> => {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await bundle(folder)
  for (const [name, text] of declarationsOf(root, describe)) await writeFile(path.join(folder, name), text)
  await writeFile(path.join(folder, 'package.json'), `${JSON.stringify(await manifest(), null, 2)}\n`)
  await copyFile(path.join(root, 'client-sdk/README.md'), path.join(folder, 'README.md'))
  await copyFile(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await packClient(path.resolve(process.argv[2] ?? path.join(root, 'dist/client')))
}
