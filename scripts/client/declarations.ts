import path from 'node:path'
import ts from 'typescript'
import { type Describe, printApi } from './apiDeclarations.ts'

/**
 * The declarations of the packed client, by file name: api.d.ts printed, the others as the compiler emits them from
 * their sources, as far as index.ts reaches them.
 */
export const declarationsOf = (root: string, describe: Describe = () => ''): ReadonlyMap<string, string> => {
  const folder = path.join(root, 'client-sdk')
  const program = createProgram(root, [path.join(folder, 'index.ts')])
  const texts = new Map<string, string>()
  const add = (name: string): void => {
    if (texts.has(name)) return
    const isApi = name === 'api'
    const text = isApi ? printApi(program, path.join(folder, 'api.ts'), describe) : emit(program, folder, name)
    texts.set(name, text)
    for (const [, next = ''] of text.matchAll(/from '\.\/(\w+)\.js'/g)) add(next)
  }
  add('index')
  return new Map([...texts].map(([name, text]) => [`${name}.d.ts`, text]))
}

export const createProgram = (root: string, files: readonly string[]): ts.Program => {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  return ts.createProgram(files, { ...options, noEmit: false, declaration: true, emitDeclarationOnly: true })
}

const emit = (program: ts.Program, folder: string, name: string): string => {
  const file = path.join(folder, `${name}.ts`)
  let text = ''
  const write = (_: string, emitted: string) => {
    text = emitted
  }
  const { diagnostics } = program.emit(program.getSourceFile(file), write, undefined, true)
  const problems = [...diagnostics, ...program.getSemanticDiagnostics(program.getSourceFile(file))]
  if (problems.length > 0) throw new Error(ts.formatDiagnostics(problems, host))
  return text.replace(/(from|import\() ?(['"])(\.\/\w+)\.ts\2/g, "$1 '$3.js'")
}

const host: ts.FormatDiagnosticsHost = {
  getCurrentDirectory: () => '',
  getCanonicalFileName: (name) => name,
  getNewLine: () => '\n',
}
