import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isPacked } from '../server/cli/new/packed.ts'
import { withoutProductPassages } from '../server/cli/new/passages.ts'
import { newProject } from '../server/cli/new/template.ts'
import { writeFiles } from '../server/cli/new/writeFiles.ts'
import { projectFiles } from '../server/cli/project/projectFiles.ts'
import { projectFolder } from '../server/projectFolder.ts'
import { name as ownName } from '../server/version.ts'
import { forge } from './support/forge.ts'
import { hasFullDisk, onFullDisk } from './support/fullDisk.ts'
import { bundlePrograms } from './support/serverProcess.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tsforge-new-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const inFolder = (name: string) => path.join(folder, name)
const make = (...args: string[]) => forge(['new', ...args], {})

describe('new', () => {
  it('writes a project of that name, shows the top of its tree, and says what comes next', async () => {
    const { code, out, err } = await make(inFolder('my-api'))
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/\n {2}contract\/ +\d+ files\n/)
    expect(out).toContain('npm ci && npm start')
    const json = (file: string) => JSON.parse(readFileSync(inFolder(`my-api/${file}`), 'utf8'))
    expect(json('package.json')).toMatchObject({ name: 'my-api', version: '0.1.0', private: true })
    const lock = json('package-lock.json')
    expect([lock.name, lock.packages[''].name]).toEqual(['my-api', 'my-api'])
    expect(json('contract/openapi.json').info.title).toBe('my-api')
    expect(json('client-sdk/package.json').name).toBe('my-api-client')
    expect(readFileSync(inFolder('my-api/README.md'), 'utf8')).toMatch(/^# my-api\n/)
    const compose = readFileSync(inFolder('my-api/compose.yaml'), 'utf8')
    expect([compose, compose]).toEqual([
      expect.stringMatching(/^name: my-api$/m),
      expect.stringMatching(/image: my-api:\$/),
    ])
    for (const file of ['.gitignore', '.npmrc', 'LICENSE', '.ci/run'])
      expect(existsSync(inFolder(`my-api/${file}`))).toBe(true)
    expect(statSync(inFolder('my-api/.ci/run')).mode & 0o111).toBe(
      statSync(path.join(projectFolder, '.ci/run')).mode & 0o111,
    )
    expect(readdirSync(inFolder('my-api'))).not.toContain('.git')
  })

  it('takes an empty folder, and a name that is not its own', async () => {
    mkdirSync(inFolder('Somewhere else'))
    const { code, out } = await make(inFolder('Somewhere else'), '--name', 'orders', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      name: 'orders',
      written: true,
      files: expect.arrayContaining(['README.md']),
    })
  })

  it('writes nothing with --dry-run', async () => {
    const { code, out } = await make(inFolder('dry/api-two'), '--dry-run')
    expect([code, out]).toEqual([0, expect.stringMatching(/Nothing was written/)])
    expect(existsSync(inFolder('dry'))).toBe(false)
  })

  it.each(['My-api', '1api', 'my api', 'api-', 'über', 'a--b', 'node_modules', 'fs', 'zod', 'a'.repeat(65)])(
    'refuses the name %s',
    async (name) => {
      const { code, err } = await make(inFolder('refused'), '--name', name)
      expect([code, err]).toEqual([2, expect.stringMatching(/^Nothing was written: a project cannot be named/)])
      expect(existsSync(inFolder('refused'))).toBe(false)
    },
  )

  it('touches no folder that has something in it, no file, and not the project itself', async () => {
    mkdirSync(inFolder('full'))
    writeFileSync(inFolder('full/mine.txt'), 'mine')
    const full = await make(inFolder('full'))
    expect([full.code, full.err]).toEqual([1, expect.stringMatching(/is not empty, and nothing in it is overwritten/)])
    expect(readdirSync(inFolder('full'))).toEqual(['mine.txt'])
    const file = await make(inFolder('full/mine.txt'), '--name', 'mine')
    expect([file.code, file.err]).toEqual([1, expect.stringMatching(/is a file; name a folder/)])
    for (const place of ['my-api', '..my-api', '.']) {
      const own = await make(path.join(projectFolder, place), '--name', 'my-api', '--dry-run')
      expect([own.code, own.err]).toEqual([1, expect.stringMatching(/lies in the project that is copied/)])
    }
    const own = await make(path.join(projectFolder, 'my-api'))
    expect([own.code, own.err]).toEqual([1, expect.stringMatching(/lies in the project that is copied/)])
    expect(existsSync(path.join(projectFolder, 'my-api'))).toBe(false)
  })

  it('says that there are no sources where only bundles are, as in a container', { timeout: 120_000 }, async () => {
    const { pathOf, remove } = await bundlePrograms({ forge: 'server/cli/main.ts' })
    for (const args of [
      ['new', inFolder('bundled')],
      ['module', 'add', 'menus'],
      ['module', 'remove', 'menus'],
      ['migrate', 'new', 'invoices'],
      ['openapi', 'check'],
      ['sdk', 'build', '--out', inFolder('client')],
    ]) {
      const { status, stderr } = spawnSync(process.execPath, [pathOf('forge'), ...args], { encoding: 'utf8' })
      expect([status, stderr]).toEqual([1, expect.stringMatching(/^Nothing was done: the sources are not here/)])
    }
    remove()
  })

  it('leaves nothing behind when it fails half-way', () => {
    const file = (place: string) => ({ path: place, contents: place, mode: 0o644 })
    const write = () => writeFiles(inFolder('half/way'), [file('a/b.txt'), file('c.txt'), file('c.txt/d.txt')])
    expect(write).toThrow(/^Nothing was left in /)
    expect(existsSync(inFolder('half'))).toBe(false)
    mkdirSync(inFolder('empty'))
    expect(() => writeFiles(inFolder('empty'), [file('a/b.txt'), file('a')])).toThrow(/Nothing was left/)
    expect(readdirSync(inFolder('empty'))).toEqual([])
  })

  it.skipIf(!hasFullDisk)('leaves nothing behind when a file breaks off, as on a full disk', () => {
    const file = (place: string, length: number) => ({ path: place, contents: 'x'.repeat(length), mode: 0o644 })
    const write = () => writeFiles(inFolder('disk/full'), [file('a/b.txt', 1), file('a/c.txt', 10_000)])
    onFullDisk(5_000, () => expect(write).toThrow(/^Nothing was left in .*EFBIG/))
    expect(existsSync(inFolder('disk'))).toBe(false)
  })
})

describe('a new project', () => {
  const files = newProject(projectFolder, 'acme-orders')
  const texts = new Map(files.map(({ path: place, contents }) => [place, contents.toString()]))
  const isThere = (place: string) => files.some((file) => file.path === place || file.path.startsWith(`${place}/`))
  const pages = [...texts].filter(([place]) => /\.(?:md|txt)$/.test(place))
  const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1] ?? '')

  it('has no history, examples, benchmarks, data or secrets', () => {
    const strange = /^(?:\.git|bench|examples|dist|node_modules|\.data)\/|CHANGELOG|ROADMAP|SECURITY|(?:^|\/)\.env$/
    expect(files.map((file) => file.path).filter((place) => strange.test(place))).toEqual([])
  })

  it('keeps no mark of what was left out', () => {
    const code = /\.(?:ts|mjs|js)$/
    const mark = /<!-- \/?product(?: line)? -->|^ *#\/?product\b/m
    const marked = [...texts].filter(([place, text]) => !code.test(place) && mark.test(text))
    expect(marked.map(([place]) => place)).toEqual([])
  })

  it('links to no file, and names no script, that is not there', () => {
    const { scripts } = JSON.parse(texts.get('package.json') ?? '')
    const dead = pages.flatMap(([place, text]) => [
      ...all(text.replaceAll(/`[^`\n]*`/g, ''), /\]\(([^)#]+)(?:#[^)]*)?\)/g)
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => !isThere(path.posix.join(path.posix.dirname(place), link).replace(/\/$/, '')))
        .map((link) => `${place} links to ${link}`),
    ])
    const unknown = [...texts].flatMap(([place, text]) =>
      all(text, /npm run (?:-s )?([\w:]+)/g)
        .filter((script) => !scripts[script])
        .map((script) => `${place} names npm run ${script}`),
    )
    expect([...dead, ...unknown]).toEqual([])
  })

  it('imports no file that is not there', () => {
    const sources = [...texts].filter(([place]) => /\.(?:ts|mjs|js)$/.test(place))
    const dead = sources.flatMap(([place, text]) =>
      all(text, /^(?:import|export)\s(?:[^'`;]*?\sfrom\s)?'(\.[^']+)'/gm)
        .map((target) => path.posix.join(path.posix.dirname(place), target))
        .filter((target) => existsSync(path.join(projectFolder, target)) && !isThere(target))
        .map((target) => `${place} imports ${target}`),
    )
    expect(dead).toEqual([])
  })

  it('has the pages that are generated as the contract makes them', () => {
    for (const page of ['docs/rest.md', 'docs/errors.md', 'docs/configuration.md', '.env.example'])
      expect(texts.get(page) === readFileSync(path.join(projectFolder, page), 'utf8'), page).toBe(true)
  })

  it('has the code as it is', () => {
    const other = files.filter(({ path: place, contents }) => {
      if (!/\.(?:ts|mjs|js)$/.test(place)) return false
      return readFileSync(path.join(projectFolder, place), 'utf8') !== contents.toString()
    })
    expect(other.map((file) => file.path)).toEqual([])
  })

  it('has the sections of the README that are true of it too, and the table of imports', () => {
    const titles = all(texts.get('README.md') ?? '', /^## (.+)$/gm)
    expect(titles).toEqual(['Run', 'First request', 'The road of a request', 'Map', 'Where to go on'])
    expect(texts.get('README.md')).toContain('may import, besides itself')
  })

  it('bears its own name alone on its pages', () => {
    const named = pages.filter(([, text]) =>
      new RegExp(`^# ${ownName}$|${ownName}-client|"service": "${ownName}"`, 'm').test(text),
    )
    expect(named.map(([place]) => place)).toEqual([])
  })
})

describe('from another project', () => {
  const json = JSON.stringify
  const there = {
    'package.json': json({
      name: 'mine',
      version: '2.3.4',
      files: ['src', '!**/.env'],
      scripts: { a: 'node src/a.js', b: 'tsx gone/b.ts' },
    }),
    'package-lock.json': json({ name: 'mine', packages: { '': { name: 'mine' } } }),
    'client-sdk/package.json': json({ name: 'mine-client' }),
    'README.md': '# mine\n\n## Run\n\nRun it.\n\n## History\n\nLong.\n',
    '.npmrc':
      'ignore-scripts=true\n//registry.example.org/:_authToken=secret\n_auth=secret\nproxy=http://ada:secret@proxy.example.org\nkey=secret\n',
    '.gitignore': 'dist/\n*.log\n/src/local\n',
    'src/.gitignore': 'notes/*.md\n!notes/kept.md\n',
    LICENSE: 'free',
    'src/a.js': 'const mine = 1\n',
    'src/.env': 'JWT_SECRET=secret\n',
    'src/debug.log': 'secret\n',
    'src/dist/a.js': 'stale\n',
    'src/local/a.js': 'secret\n',
    'src/notes/mine.md': 'secret\n',
    'src/notes/kept.md': 'kept\n',
    'src/page.md': '# mine\n\nnpm install mine-client\n',
  }
  const put = (files: Readonly<Record<string, string>>) => {
    const root = mkdtempSync(inFolder('root-'))
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
      writeFileSync(path.join(root, file), text)
    }
    return root
  }
  const copied = (files: Readonly<Record<string, string>>) =>
    new Map(newProject(put(files), 'orders').map((file) => [file.path, file.contents.toString()]))

  it('copies what is listed and kept, in the new name, and no secret', () => {
    const files = copied(there)
    expect([...files.keys()]).toEqual([
      '.gitignore',
      '.npmrc',
      'LICENSE',
      'README.md',
      'package-lock.json',
      'package.json',
      'src/.gitignore',
      'src/a.js',
      'src/notes/kept.md',
      'src/page.md',
    ])
    expect([...files.values()].filter((text) => text.includes('secret'))).toEqual([])
    expect(files.get('.npmrc')).toBe('ignore-scripts=true\n')
    expect(files.get('src/page.md')).toBe('# orders\n\nnpm install orders-client\n')
    expect(files.get('src/a.js')).toBe('const mine = 1\n')
    expect(files.get('README.md')).not.toContain('History')
    expect(JSON.parse(files.get('package.json') ?? '')).toMatchObject({
      name: 'orders',
      version: '0.1.0',
      scripts: { a: 'node src/a.js' },
    })
    expect(files.get('package.json')).not.toContain('gone/b.ts')
  })

  it('finds in a package what npm does not pack by its name, or says how to pack it', () => {
    const { 'package-lock.json': lock, '.npmrc': npmrc, '.gitignore': gitignore, ...packed } = there
    const laid = {
      'dist/project/package-lock.json': lock,
      'dist/project/npmrc': npmrc,
      'dist/project/gitignore': gitignore,
    }
    expect(copied({ ...packed, ...laid }).get('.gitignore')).toBe(gitignore)
    expect(() => copied(packed)).toThrow(/lacks package-lock\.json. Build it before packing: npm run build && npm pack/)
  })
})

describe('what speaks of the product alone', () => {
  it.each([
    ['a block', 'a\n\n<!-- product -->\nb\n<!-- /product -->\n\nc\n', 'a\n\nc\n'],
    ['a part of a line', 'a<!-- product -->, b<!-- /product -->.\n', 'a.\n'],
    ['a row', '| a |\n| b | <!-- product line -->\n| c |\n', '| a |\n| c |\n'],
    ['lines of other files', 'a:\n  #product: why\n  b\n  #/product\n  c\n', 'a:\n  c\n'],
    ['nothing', 'a\n\n\n\nb', 'a\n\n\n\nb'],
  ])('is left out: %s', (_what, text, left) => {
    expect(withoutProductPassages(text)).toBe(left)
  })
})

describe('the package', () => {
  const { files } = JSON.parse(readFileSync(path.join(projectFolder, 'package.json'), 'utf8'))

  it('holds what a new project is made of, the bundles, and nothing else', { timeout: 60_000 }, () => {
    const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--loglevel', 'error'], {
      cwd: projectFolder,
      encoding: 'utf8',
      maxBuffer: 1e7,
    })
    const packed: string[] = JSON.parse(said)[0].files.map((file: { path: string }) => file.path)
    const listed = projectFiles(projectFolder).filter((file) => isPacked(file, files))
    const always = ['LICENSE', 'README.md', 'package.json']
    expect(packed.filter((file) => !file.startsWith('dist/')).sort()).toEqual([...listed, ...always].sort())
    const bundles = /^dist\/(?:(?:forge|hashWorker|main|migrate)\.js|project\/(?:gitignore|npmrc|package-lock\.json))$/
    expect(packed.filter((file) => file.startsWith('dist/') && !bundles.test(file))).toEqual([])
  })

  const manifest = newProject(projectFolder, 'acme-orders').find((file) => file.path === 'package.json')
  const ofNewProject = JSON.parse(`${manifest?.contents}`).files
  const secret = ['.env', '.env.production', 'new.env', 'tls.key', 'tls.pem', 'main.log', 'node_modules/a/index.js']

  it.each(secret)('would hold no %s, wherever it stands, and neither would that of a new project', (name) => {
    for (const listed of [files, ofNewProject])
      for (const folder of ['deploy', 'server/platform'])
        expect(isPacked(`${folder}/${name}`, listed), `${folder}/${name}`).toBe(false)
  })

  it('holds the examples of .env', () => {
    expect(['.env.example', 'deploy/.env.example'].filter((file) => !isPacked(file, files))).toEqual([])
  })
})
