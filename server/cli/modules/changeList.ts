import path from 'node:path'
import { checkTypes, editLists, format, lists, regenerate, type Tell, withinStage } from '../project/changeProject.ts'
import { joinContract, joinServer, leaveContract, leaveServer, listedIn } from '../project/moduleLists.ts'
import type { Changes } from '../project/stage.ts'
import type { Halves } from './halves.ts'

export interface ListChange {
  /** Where the project is. */
  readonly project: string
  /** Whether the compiler is asked before anything is changed. */
  readonly checksTypes: boolean
  /** Nothing is changed then, and only the changes of the lists are known. */
  readonly isDryRun: boolean
  readonly tell: Tell
}

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

/** In a copy first, where the commands of the project say whether the modules fit together. */
const changeLists = (
  { project, checksTypes, isDryRun, tell }: ListChange,
  edits: Parameters<typeof editLists>[1],
): Changes =>
  withinStage(project, (stage) => {
    editLists(stage, edits)
    format(stage, Object.values(lists))
    tell('seeing whether the modules fit together')
    stage.run('the list of modules', 'scripts/forge.mjs', 'module', 'list')
    if (isDryRun) return stage.changes()
    regenerate(stage, tell)
    if (checksTypes) checkTypes(stage, tell)
    return stage.apply()
  })

const fromList = (folder: string, file: string): string => {
  const way = path.posix.relative(folder, file)
  return way.startsWith('.') ? way : `./${way}`
}
