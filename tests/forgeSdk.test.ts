import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { clientName, repository } from './support/compile.ts'
import { forge } from './support/forge.ts'

it('forge sdk build makes a package by whose name npm finds it as it is told', { timeout: 120_000 }, async () => {
  // A name that npm would take for a repository on GitHub.
  const out = `dist/client-${randomUUID()}`
  onTestFinished(() => rm(path.join(repository, out), { recursive: true, force: true }))
  const { code, out: said, err } = await forge(['sdk', 'build', '--out', out], {})
  expect([code, err]).toEqual([0, ''])
  const [pack, install] = [...said.matchAll(/`(npm [^`]+)`/g)].map(([, command]) => command)
  expect([pack, install]).toEqual([`npm pack ./${out}`, `npm install ./${out}`])
  const npm = (command = '') =>
    JSON.parse(execFileSync('bash', ['-c', `${command} --dry-run --json`], { cwd: repository, encoding: 'utf8' }))
  expect(npm(pack)).toMatchObject([{ name: clientName, filename: expect.stringMatching(/\.tgz$/) }])
})
