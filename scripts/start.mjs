// Bundles the server when a source is newer than the bundle, then becomes the server.
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

const sources = ['contract', 'server', 'db', 'package-lock.json', 'scripts/build.mjs']

const newest = (file) => {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (!stat) return 0
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(file).map((name) => newest(path.join(file, name))))
}

const builtAt = newest('dist/main.js')
if (builtAt === 0 || sources.some((source) => newest(source) > builtAt)) {
  const { bundle } = await import('./build.mjs')
  await bundle()
}
await import(path.resolve('dist/main.js'))
