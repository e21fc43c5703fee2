import { readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

export const repository = path.resolve(import.meta.dirname, '../..')

/** What the package of the client is called. */
export const clientName: string = JSON.parse(
  readFileSync(path.join(repository, 'client-sdk/package.json'), 'utf8'),
).name

const cache = new Map<string, ts.SourceFile>()

/**
 * Compiles files that exist in the compiler's eyes only, named from the root of the repository, with the settings of the
 * repository and others beside them. Files of the disk are parsed once for all programs.
 */
export const compile = (files: Readonly<Record<string, string>>, settings: ts.CompilerOptions = {}): ts.Program => {
  const { config } = ts.readConfigFile(path.join(repository, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, repository)
  const texts = new Map(Object.entries(files).map(([name, text]) => [path.join(repository, name), text]))
  const folders = new Set([...texts.keys()].map((file) => path.dirname(file)))
  const all = { ...options, ...settings }
  const host = ts.createCompilerHost(all)
  const { fileExists, readFile, getSourceFile, directoryExists } = host
  host.fileExists = (file) => texts.has(file) || fileExists(file)
  host.readFile = (file) => texts.get(file) ?? readFile(file)
  host.directoryExists = (folder) => folders.has(folder) || directoryExists?.(folder) === true
  host.getSourceFile = (file, version, ...rest) => {
    const text = texts.get(file)
    if (text !== undefined) return ts.createSourceFile(file, text, version)
    const parsed = cache.get(file) ?? getSourceFile(file, version, ...rest)
    if (parsed) cache.set(file, parsed)
    return parsed
  }
  return ts.createProgram([...texts.keys()], all, host)
}

/** `file(line): message` for all that a program has to object to in these files. */
export const problemsOf = (program: ts.Program, isWanted: (file: string) => boolean = () => true): readonly string[] =>
  program
    .getSourceFiles()
    .filter((file) => isWanted(path.relative(repository, file.fileName)))
    .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map(({ file, start = 0, messageText }) => {
      const place =
        file && `${path.relative(repository, file.fileName)}(${file.getLineAndCharacterOfPosition(start).line + 1})`
      return `${place}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })

/** The packed declarations as files of `folder`. */
export const inFolder = (folder: string, texts: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries([...texts].map(([name, text]) => [`${folder}/${name}`, text]))
