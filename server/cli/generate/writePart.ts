import { existsSync } from 'node:fs'
import path from 'node:path'
import { ForgeError } from '../forgeError.ts'
import { joinContract, joinServer, listedIn } from '../project/moduleLists.ts'
import { type Changes, openStage, type Stage } from '../project/stage.ts'

/** A module that is to be written and listed. */
export interface Part {
  /** Its name in both lists, and that of its file and its folder: `orderLines`. */
  readonly name: string
  /** Its files by path. */
  readonly files: Readonly<Record<string, string>>
  /** Lists its tables and writes their migration; for a module that has some. */
  readonly addTables?: (stage: Stage) => void
}

/** What a new module changes besides: the lists, and what is made from the contract. */
export const alsoChanged: readonly string[] = [
  'contract/modules.ts',
  'server/modules.ts',
  'contract/openapi.json',
  'client-sdk/kinds.ts',
  'docs/errors.md',
  'docs/rest.md',
]

export interface Writing {
  readonly project: string
  readonly part: Part
  /** Besides the types, its tests and the laws are run. */
  readonly runsTests: boolean
  /** Told what is being done. */
  readonly tell: (step: string) => void
}

/** Throws ForgeError when files of the part are there. */
export const refuseOverwriting = (project: string, { files }: Part): void => {
  const there = Object.keys(files).filter((file) => existsSync(path.join(project, file)))
  if (there.length > 0)
    throw new ForgeError(
      `Nothing was done: ${there.join(', ')} ${there.length > 1 ? 'are' : 'is'} there already: --force writes anew.`,
    )
}

/**
 * Writes a module and joins it, all of it or nothing: everything is made and tried in a copy of the project first. Throws
 * ForgeError, with what failed, before a file of the project is touched.
 */
export const writePart = ({ project, part, runsTests, tell }: Writing): Changes => {
  const stage = openStage(project)
  try {
    tell('writing it in a copy of the project')
    for (const [file, text] of Object.entries(part.files)) stage.write(file, text)
    join(stage, part.name)
    stage.run('the formatter', 'npx', 'biome', 'check', '--write', ...Object.keys(part.files), ...lists)
    part.addTables?.(stage)
    tell('writing the OpenAPI document, the client and the reference')
    stage.run('npm run generate', 'npm', 'run', '-s', 'generate')
    tell('checking the types')
    stage.run('the check of types', 'npx', 'tsc', '--noEmit')
    if (runsTests) runTests(stage, part.name, tell)
    return stage.apply()
  } finally {
    stage.discard()
  }
}

const lists = ['contract/modules.ts', 'server/modules.ts']

const join = (stage: Stage, name: string) => {
  const edit = (file: string, change: (text: string) => string) => stage.write(file, change(stage.read(file)))
  if (listedIn(stage.read('contract/modules.ts')).includes(name)) return
  edit('contract/modules.ts', (text) => joinContract(text, { name, from: `./${name}.ts` }))
  edit('server/modules.ts', (text) => joinServer(text, { name, from: `./features/${name}/module.ts` }))
}

/** Of the laws those that know what a module is. */
const laws =
  'architecture contract openapi modules reference eventsRecorded isolationPolicies isolation forgeMigrate'.split(' ')

const runTests = (stage: Stage, name: string, tell: Writing['tell']) => {
  stage.run('the linter', 'npx', 'biome', 'check')
  for (const [what, names] of [
    ['its tests', [name]],
    ['the laws, which takes a minute or two', laws],
  ] as const) {
    tell(`running ${what}`)
    stage.run(what, 'npx', 'vitest', 'run', ...names.map((file) => `tests/${file}.test.ts`), '--reporter=dot')
  }
}
