import { ForgeError } from '../forgeError.ts'

/** Where a module is listed, and the file that the lines are written to. */
export interface Join {
  /** The name it has in the list. */
  readonly name: string
  /** Where it is imported from, seen from the file of the list. */
  readonly from: string
}

/** `contract/modules.ts` with a module more. Throws ForgeError when the file is not as it came. */
export const joinContract = (text: string, join: Join): string =>
  withImport(
    changed(text, contractList, (_, names) => {
      const all = [...namesIn(names), join.name]
      return `export const modules = { ${all.join(', ')} } satisfies`
    }),
    join,
  )

/** `contract/modules.ts` with a module less. */
export const leaveContract = (text: string, name: string): string =>
  withoutImport(
    changed(text, contractList, (_, names) => {
      const all = namesIn(names).filter((other) => other !== name)
      return `export const modules = {${all.length > 0 ? ` ${all.join(', ')} ` : ''}} satisfies`
    }),
    name,
  )

/** `server/modules.ts` with a module more, behind all others. */
export const joinServer = (text: string, join: Join): string =>
  withImport(
    changed(text, serverList, (all) => all.replace(/\n\)$/, `\n  ${join.name},\n)`)),
    join,
  )

/** `server/modules.ts` with a module less. */
export const leaveServer = (text: string, name: string): string =>
  withoutImport(
    changed(text, serverList, (all) => all.replace(`\n  ${name},`, '')),
    name,
  )

/** The names of the modules that `contract/modules.ts` lists. */
export const listedIn = (text: string): readonly string[] => namesIn(contractList.pattern.exec(text)?.[1] ?? '')

interface List {
  readonly file: string
  readonly pattern: RegExp
}

const contractList: List = { file: 'contract/modules.ts', pattern: /export const modules = \{([^}]*)\} satisfies/ }
const serverList: List = {
  file: 'server/modules.ts',
  pattern: /export const modules = listModules\(contract\)\(\n(?: {2}\w+,\n)*\)/,
}

const namesIn = (list: string) =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

const changed = (text: string, { file, pattern }: List, change: (all: string, inside: string) => string) => {
  if (!pattern.test(text))
    throw new ForgeError(`${file} does not hold the list of modules as it came: list the module there by hand.`)
  return text.replace(pattern, change)
}

/** Before the first import that sorts behind it, as the linter wants them. */
const withImport = (text: string, { name, from }: Join) => {
  const line = `import { ${name} } from '${from}'`
  const all = text.split('\n')
  const isBehind = (other: string) => /^import .* from '\./.test(other) && (/from '(.*)'/.exec(other)?.[1] ?? '') > from
  const index = all.findIndex(isBehind)
  const last = all.findLastIndex((other) => other.startsWith('import '))
  all.splice(index === -1 ? last + 1 : index, 0, line)
  return all.join('\n')
}

const withoutImport = (text: string, name: string) =>
  text
    .split('\n')
    .filter((line) => !new RegExp(`^import \\{ ${name} \\} from `).test(line))
    .join('\n')
