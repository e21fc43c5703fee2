import { execFile, execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { projectFiles } from '../../server/cli/new/projectFiles.ts'
import { repository } from './compile.ts'

export interface ProjectCopy {
  readonly read: (file: string) => string
  readonly write: (file: string, text: string) => void
  /** Runs a program there as a developer would. Resolves to its output; rejects with all that it said. */
  readonly run: (command: string, ...args: string[]) => Promise<string>
  readonly remove: () => void
}

/** The files of this project in a folder of their own, with the same packages. */
export const copyProject = (): ProjectCopy => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tsforge-copy-'))
  const placeOf = (file: string) => path.join(folder, file)
  const { PATH = '', HOME = '' } = process.env
  const options = { cwd: folder, env: { PATH, HOME, NO_COLOR: '1' }, maxBuffer: 1e7 }
  for (const file of projectFiles(repository)) cpSync(path.join(repository, file), placeOf(file), { recursive: true })
  symlinkSync(path.join(repository, 'node_modules'), placeOf('node_modules'))
  // The linter asks Git which files there are.
  execFileSync('git', ['init', '-q'], { cwd: folder })
  return {
    read: (file) => readFileSync(placeOf(file), 'utf8'),
    write(file, text) {
      mkdirSync(path.dirname(placeOf(file)), { recursive: true })
      writeFileSync(placeOf(file), text)
    },
    run: (command, ...args) =>
      promisify(execFile)(command, args, options).then(
        ({ stdout }) => stdout,
        ({ message, stdout, stderr }) => Promise.reject(new Error(`${message}\n${stdout}${stderr}`)),
      ),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
