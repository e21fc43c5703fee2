// Bundles the programs when a source is newer than their bundle, then becomes one of them.
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const root = path.resolve(import.meta.dirname, '..')
/** Installed as a package it came with its bundles, and without what makes them. */
const isInstalled = root.split(path.sep).includes('node_modules')
const sources = ['contract', 'server', 'db', 'examples', 'package-lock.json', 'scripts/build.mjs']

/** What an example has installed and built for itself. */
const passedOver = ['node_modules', 'dist']

const newest = (file) => {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (!stat) return 0
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(
    stat.mtimeMs,
    ...readdirSync(file).map((name) => (passedOver.includes(name) ? 0 : newest(path.join(file, name)))),
  )
}

export const run = async (program) => {
  const file = path.join(root, 'dist', `${program}.js`)
  const builtAt = newest(file)
  if (!isInstalled && (builtAt === 0 || sources.some((source) => newest(path.join(root, source)) > builtAt))) {
    const { bundle } = await import('./build.mjs')
    await bundle()
  }
  await import(pathToFileURL(file).href)
}
