import { readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { publint } from 'publint'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp } from './support/app.ts'
import { program, runner, settings } from './support/strangerPrograms.ts'
import { createStrangerProject, repository, type StrangerProject } from './support/strangerProject.ts'

let project: StrangerProject

beforeAll(async () => {
  const created = await createStrangerProject()
  if (created) project = created
  else console.warn('skipped: the packed client was not installed, no registry is in reach')
})

afterAll(async () => {
  if (project) await rm(path.dirname(project.folder), { recursive: true })
})

/** Tests of the installed package pass by without one; the line above says so. */
const installed = (name: string, test: () => Promise<void> | void) =>
  it(name, async (context) => {
    if (!project) return context.skip()
    await test()
  })

const declarations = () => readdirSync(project.installed).filter((name) => name.endsWith('.d.ts'))

const parse = (name: string) =>
  ts.createSourceFile(name, readFileSync(path.join(project.installed, name), 'utf8'), ts.ScriptTarget.Latest, true)

const nodesOf = (node: ts.Node): ts.Node[] => [node, ...node.getChildren().flatMap(nodesOf)]

describe('the declarations', () => {
  installed('hold no any', () => {
    const found = declarations().filter((name) =>
      nodesOf(parse(name)).some(({ kind }) => kind === ts.SyntaxKind.AnyKeyword),
    )
    expect(declarations()).toContain('api.d.ts')
    expect(found).toEqual([])
  })

  installed('import nothing but each other and @trpc/server', () => {
    const imports = declarations().flatMap((name) => nodesOf(parse(name)).filter(ts.isStringLiteral))
    const modules = imports.filter(({ parent }) => ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent))
    const strange = modules
      .map(({ text }) => text)
      .filter((text) => text !== '@trpc/server' && !/^\.\/\w+\.js$/.test(text))
    expect(strange).toEqual([])
  })

  installed('say the same as the sources', () => {
    const probe = path.join(project.folder, 'probe.ts')
    const types = ['Client', 'Inputs', 'Outputs', 'ErrorCode'] as const
    const text = `import type * as packed from 'tsforge-client'
import type * as source from '${path.join(repository, 'client-sdk/index.ts')}'
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type Each<A, B> = { [F in keyof A]: F extends keyof B ? { [P in keyof A[F]]: P extends keyof B[F] ? Same<A[F][P], B[F][P]> : false } : false }
type Wrong<T> = { [F in keyof T]: { [P in keyof T[F]]: T[F][P] extends true ? never : [F, P] }[keyof T[F]] }[keyof T]
export const inputs: [Wrong<Each<source.Inputs, packed.Inputs>>, Wrong<Each<packed.Inputs, source.Inputs>>] extends [never, never] ? true : Wrong<Each<source.Inputs, packed.Inputs>> = true
export const outputs: [Wrong<Each<source.Outputs, packed.Outputs>>, Wrong<Each<packed.Outputs, source.Outputs>>] extends [never, never] ? true : Wrong<Each<source.Outputs, packed.Outputs>> = true
export const values: Same<keyof typeof packed, keyof typeof source> = true
${types.map((name) => `export const to${name} = (value: packed.${name}): source.${name} => value\nexport const from${name} = (value: source.${name}): packed.${name} => value`).join('\n')}
export const toRouter = (value: packed.Router): source.Router => value
export const fromRouter = (value: source.Router): packed.Router => value
`
    expect(problemsOf(probe, text)).toEqual([])
    expect(problemsOf(probe, text.replace('(value: packed.Inputs)', "(value: packed.Inputs['auth'])"))).not.toEqual([])
  })
})

/** Compiles with this repository's settings, so that its sources and the package meet in one program. */
const problemsOf = (file: string, text: string): readonly string[] => {
  const { config } = ts.readConfigFile(path.join(repository, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, repository)
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.readFile = (name) => (name === file ? text : readFile(name))
  host.getSourceFile = (name, version) =>
    name === file ? ts.createSourceFile(name, text, version) : getSourceFile(name, version)
  const checked = ts.createProgram([file], options, host)
  const problems = checked.getSemanticDiagnostics(checked.getSourceFile(file))
  return problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

describe('the package', () => {
  installed('is well-formed to publint', async () => {
    const { messages } = await publint({ pkgDir: project.installed, strict: true, pack: false })
    expect(messages).toEqual([])
  })

  installed('resolves everywhere to attw', async () => {
    const attw = path.join(repository, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const { code, output } = await project.node(attw, project.tarball, '--profile', 'esm-only', '--no-color')
    expect(output).toContain('No problems found')
    expect(code).toBe(0)
  })

  installed('weighs what the README says', async () => {
    const alone = await weigh(['@trpc/client'])
    const whole = await weigh([])
    console.log(`the client alone ${alone.text}, with @trpc/client ${whole.text}`)
    const readme = readFileSync(path.join(project.installed, 'README.md'), 'utf8')
    expect(readme).toContain(`${Math.ceil(alone.zipped / 1024)} KiB`)
    expect(readme).toContain(`${Math.ceil(whole.zipped / 1024)} KiB`)
  })
})

const weigh = async (external: string[]) => {
  const entryPoints = [path.join(project.installed, 'index.js')]
  const { outputFiles } = await build({
    entryPoints,
    external,
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  })
  const bytes = outputFiles[0]?.contents ?? new Uint8Array()
  const zipped = gzipSync(bytes).length
  return { zipped, text: `${bytes.length} bytes minified, ${zipped} gzipped` }
}

describe('a program of a stranger', () => {
  installed('compiles in strict mode, with nothing of the server', async () => {
    await project.write('program.ts', program)
    for (const [lib, module] of [
      [['ES2022', 'DOM'], 'nodenext'],
      [['ES2022', 'DOM', 'DOM.Iterable'], 'preserve'],
    ] as const) {
      await project.write('tsconfig.json', JSON.stringify(settings(lib, module)))
      const { output } = await project.node('node_modules/typescript/bin/tsc', '--listFiles', '--extendedDiagnostics')
      expect(output).not.toMatch(/error TS/)
      expect(output).toContain('node_modules/tsforge-client/api.d.ts')
      expect(output).not.toMatch(/zod|drizzle|\/contract\/|\/server\/(?!dist)|\/db\//)
      expect(output).not.toContain(`${repository}/`)
      console.log(`${module}: ${output.match(/^(?:Instantiations|Check time|Total time):.*$/gm)?.join(', ')}`)
    }
  })

  installed('runs in Node against the server', async () => {
    await project.write('runner.js', runner)
    const app = await startApp()
    try {
      const { output } = await project.node('runner.js', app.url, 'ada@example.org')
      const found = JSON.parse(output)
      expect(found.user).toMatchObject({ email: 'ada@example.org', role: 'user' })
      expect(found.me).toEqual(found.user)
      expect(found).toMatchObject({
        sessions: 1,
        depth: 0,
        taken: { code: 'user.email_taken', status: 409 },
        invalid: { email: 'must be a valid email' },
        plain: 'ada@example.org',
      })
    } finally {
      await app.close()
    }
  })
})
