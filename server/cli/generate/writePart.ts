import { existsSync } from 'node:fs'
import path from 'node:path'
import { ForgeError } from '../forgeError.ts'
import { checkTypes, editLists, format, lists, regenerate, type Tell, withinStage } from '../project/changeProject.ts'
import { joinContract, joinServer, listedIn } from '../project/moduleLists.ts'
import type { Changes, Stage } from '../project/stage.ts'

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
  ...Object.values(lists),
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
  readonly tell: Tell
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
export const writePart = ({ project, part, runsTests, tell }: Writing): Changes =>
  withinStage(project, (stage) => {
    tell('writing it in a copy of the project')
    for (const [file, text] of Object.entries(part.files)) stage.write(file, text)
    join(stage, part.name)
    format(stage, [...Object.keys(part.files), ...Object.values(lists)])
    part.addTables?.(stage)
    regenerate(stage, tell)
    checkTypes(stage, tell)
    if (runsTests) runTests(stage, part.name, tell)
    return stage.apply()
  })

const join = (stage: Stage, name: string) => {
  if (listedIn(stage.read(lists.contract)).includes(name)) return
  editLists(stage, {
    contract: (text) => joinContract(text, { name, from: `./${name}.ts` }),
    server: (text) => joinServer(text, { name, from: `./features/${name}/module.ts` }),
  })
}

/** Of the laws those that know what a module is. */
const laws =
  'architecture contract openapi modules reference eventsRecorded isolationPolicies isolation forgeMigrate'.split(' ')

const runTests = (stage: Stage, name: string, tell: Tell) => {
  stage.run('the linter', 'npx', 'biome', 'check')
  for (const [what, names] of [
    ['its tests', [name]],
    ['the laws, which takes a minute or two', laws],
  ] as const) {
    tell(`running ${what}`)
    stage.run(what, 'npx', 'vitest', 'run', ...names.map((file) => `tests/${file}.test.ts`), '--reporter=dot')
  }
}
