import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { packClient } from '../../scripts/packClient.ts'
import { clientName, repository } from './compile.ts'

const run = promisify(execFile)

export interface StrangerProject {
  readonly folder: string
  /** The tarball as `npm pack` makes it. */
  readonly tarball: string
  /** Where the client lies in node_modules. */
  readonly installed: string
  readonly write: (name: string, text: string) => Promise<void>
  /** Runs a program of the project's node_modules or of Node; answers what it printed, whatever its exit code. */
  readonly node: (...args: string[]) => Promise<{ code: number; output: string }>
}

const versions = async () => {
  const { dependencies, devDependencies } = JSON.parse(await readFile(path.join(repository, 'package.json'), 'utf8'))
  return { ...devDependencies, ...dependencies } as Record<string, string>
}

/** What a registry out of reach looks like to npm. */
const isUnreachable = (error: unknown) =>
  (error as { killed?: boolean }).killed === true ||
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED/.test(String(error))

/**
 * An empty project outside the repository into which the packed client was installed from its tarball, as somebody does
 * who has never seen this repository. Undefined when no registry is in reach.
 */
export const createStrangerProject = async (): Promise<StrangerProject | undefined> => {
  const base = await realpath(await mkdtemp(path.join(tmpdir(), 'tsforge-stranger-')))
  await packClient(path.join(base, 'package'))
  const { stdout } = await run('npm', ['pack', './package', '--json', '--loglevel', 'error'], { cwd: base })
  const tarball = path.join(base, JSON.parse(stdout)[0].filename)
  const folder = path.join(base, 'project')
  await mkdir(folder)
  const { '@trpc/client': trpc, typescript } = await versions()
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { '@trpc/client': trpc },
    devDependencies: { typescript },
  }
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest))
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--fetch-retries', '0']
  try {
    await run('npm', ['install', tarball, ...flags], { cwd: folder, timeout: 60_000 })
  } catch (error) {
    if (!isUnreachable(error)) throw error
    return undefined
  }
  return {
    folder,
    tarball,
    installed: path.join(folder, 'node_modules', clientName),
    write: (name, text) => writeFile(path.join(folder, name), text),
    node: (...args) =>
      run(process.execPath, args, { cwd: folder, maxBuffer: 1e7 }).then(
        ({ stdout: output }) => ({ code: 0, output }),
        ({ code, stdout: output, stderr }) => ({ code: Number(code), output: output + stderr }),
      ),
  }
}
