import path from 'node:path'
import type { Command } from 'commander'
import { projectFolder } from '../projectFolder.ts'
import { firstVersion, packagesOf } from './new/manifest.ts'
import { requireProjectName } from './new/name.ts'
import { type NewFile, newProject, readManifest } from './new/template.ts'
import { requireRoom, writeFiles } from './new/writeFiles.ts'
import { answer, columns, example, jsonOption } from './output.ts'
import { requireSources } from './project/sources.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly name?: string
  readonly dryRun?: true
  readonly json?: true
}

/** Adds `new` to the commands. */
export const addNewCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('new')
    .description('make a project of your own from this one, without its history, examples and benchmarks')
    .argument('<folder>', 'where; it must be empty or not there')
    .option('--name <name>', 'what the project is called (default: as the folder)')
    .option('--dry-run', 'say what would be written, and write nothing')
    .option(...jsonOption)
    .addHelpText('after', example('new ../my-api', 'new ../my-api --dry-run'))
    .action((place: string, { name, dryRun, json }: Options) => {
      requireSources()
      const folder = path.resolve(place)
      const named = name ?? path.basename(folder)
      requireProjectName(named, packagesOf(readManifest(projectFolder)))
      requireRoom(folder, projectFolder)
      const files = newProject(projectFolder, named)
      if (dryRun === undefined) writeFiles(folder, files)
      const paths = files.map((file) => file.path)
      const made = { name: named, version: firstVersion, folder, written: dryRun === undefined, files: paths }
      answer(terminal, json, made, `${treeOf(folder, files)}\n\n${dryRun ? nothingWritten : nextSteps(place)}`)
    })
}

/** The top of the tree: what stands in the folder, and how many files each of its folders holds. */
const treeOf = (folder: string, files: readonly NewFile[]): string => {
  const tops = [...new Set(files.map(({ path: file }) => file.split('/', 1)[0] ?? ''))]
  const rows = tops.map((top) => {
    const count = files.filter(({ path: file }) => file.startsWith(`${top}/`)).length
    return count === 0 ? [`  ${top}`] : [`  ${top}/`, count === 1 ? '1 file' : `${count} files`]
  })
  return `${folder}\n${columns(rows)}`
}

const nothingWritten = 'Nothing was written, since --dry-run was given.'

const nextSteps = (place: string): string => `Next:
  cd ${/^[\w./\\:~-]+$/.test(place) ? place : `"${place}"`}
  npm ci && npm start   the server on http://localhost:8080, with a PostgreSQL of its own
  npm test              types, lint and every test
  git init              when it is to be under Git, which is yours to say; a .gitignore is there
README.md says how to go on.`
