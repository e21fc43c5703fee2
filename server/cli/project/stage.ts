import { spawnSync } from 'node:child_process'
import {
  constants,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { childEnvironment } from '../../config.ts'
import { ForgeError } from '../forgeError.ts'
import { makeFolder } from './makeFolder.ts'
import { projectFiles } from './projectFiles.ts'

/** A copy of the project in which a change is made and tried, before a file of the project is touched. */
export interface Stage {
  readonly folder: string
  readonly files: () => readonly string[]
  readonly read: (file: string) => string
  readonly write: (file: string, text: string) => void
  /** Runs a program in the copy. Throws ForgeError, with what it said, when it fails. */
  readonly run: (what: string, program: string, ...args: readonly string[]) => void
  /** What in the copy is new or not as in the project, by path. */
  readonly changes: () => Changes
  /** Puts the changes into the project, all or none. Throws ForgeError when somebody changed one of the files meanwhile. */
  readonly apply: () => Changes
  /** Removes the copy. */
  readonly discard: () => void
}

export interface Changes {
  readonly created: readonly string[]
  readonly changed: readonly string[]
}

/** Copies a project; its packages are linked. */
export const openStage = (project: string): Stage => {
  const copy = mkdtempSync(path.join(tmpdir(), 'tsforge-stage-'))
  const original = new Map<string, Buffer>()
  for (const file of projectFiles(project)) {
    const contents = readFileSync(path.join(project, file))
    original.set(file, contents)
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true })
    cpSync(path.join(project, file), path.join(copy, file))
  }
  symlinkSync(path.join(project, 'node_modules'), path.join(copy, 'node_modules'), 'junction')
  // Tests and linter ask Git which files there are.
  spawnSync('git', ['init', '-q'], { cwd: copy })

  // Ctrl-C ends the program that runs here, and what was made is removed; without a listener this one would end at once.
  const stay = () => undefined
  process.on('SIGINT', stay)

  const changes = (): Changes => {
    const files = projectFiles(copy)
    const isOther = (file: string) => !original.get(file)?.equals(readFileSync(path.join(copy, file)))
    return {
      created: files.filter((file) => !original.has(file)),
      changed: files.filter((file) => original.has(file) && isOther(file)),
    }
  }

  return {
    folder: copy,
    files: () => projectFiles(copy),
    read: (file) => readFileSync(path.join(copy, file), 'utf8'),
    write(file, text) {
      mkdirSync(path.dirname(path.join(copy, file)), { recursive: true })
      writeFileSync(path.join(copy, file), text)
    },
    run: (what, program, ...args) => runIn(copy, what, [program, ...args]),
    changes,
    apply() {
      const all = changes()
      const files = [...all.created, ...all.changed]
      const stranger = files.find((file) => !isAsBefore(path.join(project, file), original.get(file)))
      if (stranger) throw new ForgeError(`Nothing was done: ${stranger} was changed meanwhile. Run the command again.`)
      putAll({ from: copy, to: project }, files, original)
      return all
    },
    discard() {
      process.off('SIGINT', stay)
      rmSync(copy, { recursive: true, force: true })
    },
  }
}

const isAsBefore = (file: string, before: Buffer | undefined) =>
  before === undefined ? !existsSync(file) : existsSync(file) && readFileSync(file).equals(before)

interface Way {
  readonly from: string
  readonly to: string
}

/** All are written beside their places before the first is moved into its own; when one cannot be, all is as it was. */
const putAll = ({ from, to }: Way, files: readonly string[], original: ReadonlyMap<string, Buffer>) => {
  const undo: (() => void)[] = []
  const draftOf = (file: string) => path.join(to, `${file}.${process.pid}`)
  try {
    for (const file of files) {
      makeFolder(path.dirname(path.join(to, file)), undo)
      copyFileSync(path.join(from, file), draftOf(file), constants.COPYFILE_EXCL)
      undo.push(() => rmSync(draftOf(file), { force: true }))
    }
    for (const file of files) {
      renameSync(draftOf(file), path.join(to, file))
      undo.push(() => putBack(path.join(to, file), original.get(file)))
    }
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw new ForgeError(`Nothing was done: ${(error as Error).message}.`)
  }
}

const putBack = (file: string, before: Buffer | undefined) => (before ? writeFileSync(file, before) : rmSync(file))

const runIn = (cwd: string, what: string, [program = '', ...args]: readonly string[]) => {
  const isNode = program.endsWith('js')
  const { status, signal, stdout, stderr, error } = spawnSync(
    isNode ? process.execPath : program,
    isNode ? [path.join(cwd, program), ...args] : args,
    {
      cwd,
      env: childEnvironment({ NO_COLOR: '1' }),
      encoding: 'utf8',
      maxBuffer: 64 << 20,
      shell: !isNode && process.platform === 'win32',
    },
  )
  if (status === 0) return
  if (signal) throw new ForgeError(`Nothing was done: ${what} was ended by ${signal}.`)
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-60).join('\n')
  throw new ForgeError(`Nothing was done: ${what} failed${error ? `: ${error.message}` : ''}.\n${said}`)
}
