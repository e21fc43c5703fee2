import { readFileSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')

/** What a front end writes. It lies beside the tests only in the compiler's eyes. */
const program = {
  name: path.join(root, 'tests/frontEnd.ts'),
  text: `import { createTRPCClient, httpLink } from '@trpc/client'
import { createClient, isFailure, type Router } from '../client-sdk/index.ts'
const client = createClient({ url: 'https://api.example.org' })
export const email: Promise<string> = client.auth.me().then((user) => user.email)
export const isTaken = (error: unknown) => isFailure(error, 'user.email_taken')
export const trpc = createTRPCClient<Router>({ links: [httpLink({ url: 'https://api.example.org/trpc' })] })
`,
}

const compile = (settings: ts.CompilerOptions) => {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) => readFileSync(file, 'utf8'))
  const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions }, root)
  const all = { ...options, ...settings }
  const host = ts.createCompilerHost(all)
  const { readFile, fileExists, getSourceFile } = host
  host.fileExists = (file) => file === program.name || fileExists(file)
  host.readFile = (file) => (file === program.name ? program.text : readFile(file))
  host.getSourceFile = (file, version, ...rest) =>
    file === program.name ? ts.createSourceFile(file, program.text, version) : getSourceFile(file, version, ...rest)
  return ts.createProgram([program.name], all, host)
}

const browser = { types: [], lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'] }

describe('a program that uses the client', { timeout: 120_000 }, () => {
  it('compiles without a file of the server', () => {
    const files = compile({})
      .getSourceFiles()
      .map((file) => path.relative(root, file.fileName))
    expect(files).toContain('client-sdk/index.ts')
    const ofServer = /^(?:server|db)\/|node_modules\/(?:drizzle-orm|pg|@types\/pg|uWebSockets\.js|pino|jose)\//
    expect(files.filter((file) => ofServer.test(file))).toEqual([])
  })

  it('compiles in Node and in a browser', () => {
    for (const settings of [{}, browser]) {
      const problems = ts.getPreEmitDiagnostics(compile(settings))
      expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
    }
  })

  it('carries neither zod, nor the contract, nor a module of Node', async () => {
    const { metafile } = await build({
      entryPoints: [path.join(root, 'client-sdk/index.ts')],
      absWorkingDir: root,
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'browser',
      logLevel: 'silent',
    })
    const inputs = Object.keys(metafile.inputs)
    expect(inputs).toContain('client-sdk/session.ts')
    expect(inputs.filter((file) => !/^client-sdk\/|^node_modules\/@trpc\/(?:client|server)\//.test(file))).toEqual([])
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports)
    expect(imports).toEqual([])
  })
})
