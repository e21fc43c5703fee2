import { type Changes, openStage, type Stage } from './stage.ts'

/** Where modules are listed. */
export const lists = { contract: 'contract/modules.ts', server: 'server/modules.ts' } as const

/** Told what is being done. */
export type Tell = (step: string) => void

/** Has a change made and tried in a copy of the project, which is gone afterwards. What fails there leaves no trace. */
export const withinStage = (project: string, change: (stage: Stage) => Changes): Changes => {
  const stage = openStage(project)
  try {
    return change(stage)
  } finally {
    stage.discard()
  }
}

export const editLists = (
  stage: Stage,
  edits: Readonly<Record<keyof typeof lists, (text: string) => string>>,
): void => {
  stage.write(lists.contract, edits.contract(stage.read(lists.contract)))
  stage.write(lists.server, edits.server(stage.read(lists.server)))
}

export const format = (stage: Stage, files: readonly string[]): void =>
  stage.run('the formatter', 'npx', 'biome', 'check', '--write', ...files)

/** Writes anew what is made from the contract. */
export const regenerate = (stage: Stage, tell: Tell): void => {
  tell('writing the OpenAPI document, the client and the reference')
  stage.run('npm run generate', 'npm', 'run', '-s', 'generate')
}

export const checkTypes = (stage: Stage, tell: Tell): void => {
  tell('checking the types')
  stage.run('the check of types', 'npx', 'tsc', '--noEmit')
}
