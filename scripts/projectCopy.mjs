// A copy of the project in a temporary folder, for programs that change it. Packages are linked.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')

/** Copies what Git knows or would add. `contents` reads the copy without what running it makes (.git, dist, .data). */
export const copyProject = (name) => {
  const folder = mkdtempSync(path.join(tmpdir(), `tsforge-${name}-`))
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  for (const file of new Set(listed.split('\n').filter((line) => line !== '' && line !== 'node_modules'))) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    cpSync(path.join(root, file), path.join(folder, file), { force: true })
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  execFileSync('git', ['init', '-q'], { cwd: folder })
  const run = (command, ...args) => execFileSync(command, args, { cwd: folder, stdio: 'inherit' })
  return {
    folder,
    run,
    forge: (...args) => run(process.execPath, 'scripts/forge.mjs', ...args),
    contents: () => contentsOf(folder),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

const made = /^(?:\.git|dist|\.data)\//

const contentsOf = (folder) => {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.relative(folder, path.join(parentPath, name)))
    .filter((name) => !made.test(name))
  return new Map(names.map((name) => [name, readFileSync(path.join(folder, name), 'latin1')]))
}

/** The files that are not the same in both, by path. */
export const differences = (before, after) =>
  [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name))
