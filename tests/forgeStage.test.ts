import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openStage, type Stage } from '../server/cli/project/stage.ts'
import { hasFullDisk, onFullDisk } from './support/fullDisk.ts'

/** The place that no file can be moved to, as where a program holds one open on Windows. */
const refused = vi.hoisted(() => ({ place: '' }))
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const renameSync: typeof fs.renameSync = (from, to) => {
    if (to === refused.place) throw new Error('it is in use')
    fs.renameSync(from, to)
  }
  return { ...fs, renameSync }
})

/** A change is made and tried in a copy; what reaches the project is all of it or nothing. */
let project: string
let stage: Stage

const put = (file: string, text: string) => writeFileSync(path.join(project, file), text)
/** Files with what is in them, and folders. */
const contents = () =>
  Object.fromEntries(
    readdirSync(project, { recursive: true, withFileTypes: true }).map((entry) => {
      const place = path.join(entry.parentPath, entry.name)
      return [path.relative(project, place), entry.isFile() ? readFileSync(place, 'utf8') : 'a folder']
    }),
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
  expect(contents()).toEqual({ ...before, 'b.txt': 'B', folder: 'a folder', 'folder/c.txt': 'c' })
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

describe('leaves the project as it was when', () => {
  const applied = () => stage.apply()
  const change = () => {
    for (const file of ['folder/new/d.txt', 'e.txt']) stage.write(file, 'new')
    for (const file of ['a.txt', 'b.txt']) stage.write(file, 'new'.repeat(2_000))
    return contents()
  }

  it('the place of a draft is taken', () => {
    writeFileSync(path.join(project, `b.txt.${process.pid}`), 'mine')
    const before = change()
    expect(applied).toThrow('Nothing was done: EEXIST')
    expect(contents()).toEqual(before)
  })

  it.skipIf(!hasFullDisk)('the disk is full', () => {
    const before = change()
    onFullDisk(5_000, () => expect(applied).toThrow('Nothing was done: EFBIG'))
    expect(contents()).toEqual(before)
  })

  it('the last file cannot be moved', () => {
    const before = change()
    refused.place = path.join(project, 'b.txt')
    expect(applied).toThrow('Nothing was done: it is in use.')
    expect(contents()).toEqual(before)
  })
})

it('tells what a program said when it fails, and is gone afterwards', () => {
  const fail = () => stage.run('the check', 'sh', '-c', 'echo it is broken; exit 3')
  expect(fail).toThrow('Nothing was done: the check failed.\nit is broken')
  const killed = () => stage.run('the check', 'sh', '-c', 'kill -INT $$')
  expect(killed).toThrow('Nothing was done: the check was ended by SIGINT.')
  stage.discard()
  expect(existsSync(stage.folder)).toBe(false)
})
