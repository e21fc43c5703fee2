import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openStage, type Stage } from '../server/cli/generate/stage.ts'

/** A change is made and tried in a copy; what reaches the project is all of it or nothing. */
let project: string
let stage: Stage

const put = (file: string, text: string) => writeFileSync(path.join(project, file), text)
const contents = () =>
  Object.fromEntries(
    readdirSync(project, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => path.relative(project, path.join(parentPath, name)))
      .map((file) => [file, readFileSync(path.join(project, file), 'utf8')]),
  )

beforeEach(() => {
  project = mkdtempSync(path.join(tmpdir(), 'tsforge-stage-test-'))
  mkdirSync(path.join(project, 'node_modules'))
  put('.gitignore', 'secret.env\n')
  put('secret.env', 'PASSWORD=1')
  put('a.txt', 'a')
  put('b.txt', 'b')
  stage = openStage(project)
})
afterEach(() => {
  stage.discard()
  rmSync(project, { recursive: true })
})

it('shows what is new and what is other, and touches the project only when it is told to', () => {
  const before = contents()
  stage.write('b.txt', 'B')
  stage.write('folder/c.txt', 'c')
  expect(stage.changes()).toEqual({ created: ['folder/c.txt'], changed: ['b.txt'] })
  expect(contents()).toEqual(before)
  stage.apply()
  expect(contents()).toEqual({ ...before, 'b.txt': 'B', 'folder/c.txt': 'c' })
})

it('copies nothing that Git ignores', () => {
  expect(stage.files()).toEqual(['.gitignore', 'a.txt', 'b.txt'])
})

it.each([
  ['a file that it changes was changed', () => put('a.txt', 'mine'), 'a.txt'],
  ['a file that it makes was made', () => put('c.txt', 'mine'), 'c.txt'],
])('does nothing when meanwhile %s', (_what, meddle, file) => {
  stage.write('a.txt', 'A')
  stage.write('c.txt', 'c')
  meddle()
  const before = contents()
  expect(() => stage.apply()).toThrow(`Nothing was done: ${file} was changed meanwhile. Run the command again.`)
  expect(contents()).toEqual(before)
})

it('puts back what it has moved when something cannot be moved', () => {
  for (const file of ['a.txt', 'b.txt', 'c.txt']) stage.write(file, 'new')
  // A folder where the draft of the last one has to be.
  mkdirSync(path.join(project, `b.txt.${process.pid}`))
  const before = contents()
  expect(() => stage.apply()).toThrow('Nothing was done: ')
  expect(contents()).toEqual(before)
})

it('tells what a program said when it fails, and is gone afterwards', () => {
  const fail = () => stage.run('the check', 'sh', '-c', 'echo it is broken; exit 3')
  expect(fail).toThrow('Nothing was done: the check failed.\nit is broken')
  const killed = () => stage.run('the check', 'sh', '-c', 'kill -INT $$')
  expect(killed).toThrow('Nothing was done: the check was ended by SIGINT.')
  stage.discard()
  expect(existsSync(stage.folder)).toBe(false)
})
