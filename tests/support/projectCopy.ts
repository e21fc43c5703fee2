import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { openStage, type Stage } from '../../server/cli/project/stage.ts'
import { repository } from './compile.ts'

export interface ProjectCopy extends Pick<Stage, 'folder' | 'read' | 'write'> {
  /** Runs a program there as a developer would. Resolves to its output; rejects with all that it said. */
  readonly run: (command: string, ...args: string[]) => Promise<string>
  readonly remove: () => void
}

/** The files of this project in a folder of their own, with the same packages. */
export const copyProject = (): ProjectCopy => {
  const { folder, read, write, discard } = openStage(repository)
  const { PATH = '', HOME = '' } = process.env
  const options = { cwd: folder, env: { PATH, HOME, NO_COLOR: '1' }, maxBuffer: 1e7 }
  return {
    folder,
    read,
    write,
    run: (command, ...args) =>
      promisify(execFile)(command, args, options).then(
        ({ stdout }) => stdout,
        ({ message, stdout, stderr }) => Promise.reject(new Error(`${message}\n${stdout}${stderr}`)),
      ),
    remove: discard,
  }
}
