import path from 'node:path'
import { joinContract, joinServer, leaveContract, leaveServer, listedIn } from '../project/moduleLists.ts'
import { type Changes, openStage, type Stage } from '../project/stage.ts'
import type { Halves } from './halves.ts'

export interface ListChange {
  /** Where the project is. */
  readonly project: string
  /** Whether the compiler is asked before anything is changed. */
  readonly checksTypes: boolean
  /** Nothing is changed then, and only the changes of the lists are known. */
  readonly isDryRun: boolean
  /** Told what is being done. */
  readonly tell: (step: string) => void
}

const lists = { contract: 'contract/modules.ts', server: 'server/modules.ts' } as const

/** Lists a module in both files and writes what is made from the contract anew: all of it, or nothing and a ForgeError. */
export const listModule = (halves: Halves, change: ListChange): Changes => {
  const { name } = halves
  return changeLists(change, {
    contract: (text) => joinContract(text, { name, from: fromList('contract', halves.contract) }),
    server: (text) => joinServer(text, { name, from: fromList('server', halves.module) }),
  })
}

/** The opposite. */
export const unlistModule = (name: string, change: ListChange): Changes =>
  changeLists(change, {
    contract: (text) => leaveContract(text, name),
    server: (text) => leaveServer(text, name),
  })

export const isListed = (text: string, name: string): boolean => listedIn(text).includes(name)

type Edit = (text: string) => string

/** In a copy first, where the commands of the project say whether the modules fit together. */
const changeLists = (
  { project, checksTypes, isDryRun, tell }: ListChange,
  edits: Readonly<Record<keyof typeof lists, Edit>>,
): Changes => {
  const stage: Stage = openStage(project)
  try {
    stage.write(lists.contract, edits.contract(stage.read(lists.contract)))
    stage.write(lists.server, edits.server(stage.read(lists.server)))
    stage.run('the formatter', 'npx', 'biome', 'check', '--write', lists.contract, lists.server)
    tell('seeing whether the modules fit together')
    stage.run('the list of modules', 'scripts/forge.mjs', 'module', 'list')
    if (isDryRun) return stage.changes()
    tell('writing the document, the client and the reference')
    stage.run('npm run generate', 'npm', 'run', '-s', 'generate')
    if (checksTypes) {
      tell('checking the types')
      stage.run('the check of types', 'npx', 'tsc', '--noEmit')
    }
    return stage.apply()
  } finally {
    stage.discard()
  }
}

const fromList = (folder: string, file: string): string => {
  const way = path.posix.relative(folder, file)
  return way.startsWith('.') ? way : `./${way}`
}
