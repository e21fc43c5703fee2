// Makes a project by `forge new` as somebody does who has only the package: it is built and packed, the tarball installed in an
// empty folder, and the new project installed, tested and started. Usage: node scripts/testNew.mjs [--quick]
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startServer } from './startServer.mjs'

const root = path.resolve(import.meta.dirname, '..')
const base = mkdtempSync(path.join(tmpdir(), 'tsforge-new-'))
const empty = path.join(base, 'empty')
const project = path.join(empty, 'my-api')
const isQuick = process.argv.includes('--quick')

const run = (cwd, command, ...args) => execFileSync(command, args, { cwd, stdio: 'inherit' })
const ask = (cwd, command, ...args) => execFileSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1e7 })

/** Those that look at the project as a whole, and one of a feature. */
const quickTests = 'architecture docs config forgeNew forgeDocs menus openapi reference sdkDocs'
  .split(' ')
  .map((name) => `tests/${name}.test.ts`)

const pack = () => {
  run(root, 'npm', 'run', '-s', 'build')
  const [{ filename }] = JSON.parse(
    ask(root, 'npm', 'pack', '--json', '--loglevel', 'error', '--pack-destination', base),
  )
  return path.join(base, filename)
}

/** What the package holds is installed without the tools of development, as npm does with every package. */
const makeProject = (tarball) => {
  mkdirSync(empty)
  writeFileSync(path.join(empty, 'package.json'), '{ "private": true }\n')
  copyFileSync(path.join(root, '.npmrc'), path.join(empty, '.npmrc'))
  run(empty, 'npm', 'install', '--no-audit', '--no-fund', tarball)
  run(empty, 'npx', '--no-install', 'forge', 'new', 'my-api')
  if (existsSync(path.join(project, '.git'))) throw new Error('forge new began a history, which is not its to begin')
}

const test = () => {
  if (!isQuick) return run(project, 'npm', 'test')
  run(project, 'npm', 'run', '-s', 'types')
  run(project, 'npm', 'run', '-s', 'lint')
  const missing = quickTests.filter((file) => !existsSync(path.join(project, file)))
  if (missing.length > 0)
    throw new Error(`${missing.join(', ')} did not come along: are they where this program looks?`)
  run(project, 'npx', 'vitest', 'run', ...quickTests)
}

const visit = async () => {
  const { url, stop } = await startServer(project, process.execPath, 'scripts/start.mjs')
  let code
  try {
    await tryOut(url)
  } finally {
    code = await stop()
  }
  if (code !== 0) throw new Error(`after SIGTERM the server ended with ${code}`)
}

const tryOut = async (url) => {
  const health = await (await fetch(`${url}/healthz`)).json()
  if (health.data?.service !== 'my-api') throw new Error(`/healthz says ${JSON.stringify(health)}`)
  const document = await (await fetch(`${url}/openapi.json`)).json()
  if (document.info.title !== 'my-api') throw new Error(`the document is of ${document.info.title}`)
  const account = { email: 'ada@example.org', password: 'correct horse battery', name: 'Ada' }
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/api/v1/auth/register`, { method: 'POST', headers, body: JSON.stringify(account) })
  if (answer.status !== 201) throw new Error(`an account was answered ${answer.status}: ${await answer.text()}`)
}

try {
  makeProject(pack())
  run(project, 'npm', 'ci', '--no-audit', '--no-fund')
  test()
  await visit()
  console.log(
    `a new project was made from the package, passed ${isQuick ? 'types, lint and some of its tests' : 'npm test'}, and served`,
  )
} finally {
  rmSync(base, { recursive: true, force: true })
}
