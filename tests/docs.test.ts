import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { projectFiles } from '../server/cli/project/projectFiles.ts'

const root = path.join(import.meta.dirname, '..')
const pages = projectFiles(root).filter((file) => file.endsWith('.md') || file === 'llms.txt')
/** Those of the project, and of the example that the page belongs to. */
const scriptsFor = (page: string): Record<string, string> => {
  const manifests = [root, path.join(root, path.dirname(page))].map((folder) => path.join(folder, 'package.json'))
  return Object.assign(
    {},
    ...manifests.filter(existsSync).map((file) => JSON.parse(readFileSync(file, 'utf8')).scripts),
  )
}

const textOf = (page: string) => readFileSync(path.join(root, page), 'utf8')
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1] ?? '')

it.each(pages)('%s: every relative link leads to a file', (page) => {
  // Without code, since a regular expression can look like a link.
  const links = all(textOf(page).replaceAll(/`[^`\n]*`/g, ''), /\]\(([^)#]+)(?:#[^)]*)?\)/g).filter(
    (link) => !/^[a-z]+:/.test(link),
  )
  expect(links.filter((link) => !existsSync(path.join(root, path.dirname(page), link)))).toEqual([])
})

/** As GitHub names the anchor of a heading; one that is there twice gets a number. */
const anchorsOf = (text: string) => {
  const seen = new Map<string, number>()
  return all(text.replaceAll(/^```.*?^```/gms, ''), /^#+ +(.+)$/gm).map((heading) => {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-')
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    return count === 0 ? anchor : `${anchor}-${count}`
  })
}

it.each(pages)('%s: every anchor it links to is there', (page) => {
  const links = [...textOf(page).matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)].map(([, file = '', anchor = '']) => ({
    file,
    anchor,
  }))
  const targetOf = (file: string) => (file === '' ? page : path.join(path.dirname(page), file))
  const isThere = ({ file, anchor }: { file: string; anchor: string }) =>
    !file.endsWith('.md') && file !== '' ? true : anchorsOf(textOf(targetOf(file))).includes(anchor)
  expect(links.filter((link) => !isThere(link)).map(({ file, anchor }) => `${file}#${anchor}`)).toEqual([])
})

it.each(pages)('%s: every test and source it names is there', (page) => {
  const tests = all(textOf(page), /`(?:tests\/)?(\w+\.test\.ts)`/g)
  expect(tests.filter((name) => !existsSync(path.join(root, 'tests', name)))).toEqual([])
  const sources = all(textOf(page), /`((?:server|contract|db|client-sdk|tests)\/[\w/.-]+\.\w+)`/g)
  expect(sources.filter((name) => !existsSync(path.join(root, name)))).toEqual([])
})

it.each(pages)('%s: every npm script it names is there', (page) => {
  expect(all(textOf(page), /npm run (?:-s )?([\w:]+)/g).filter((name) => !scriptsFor(page)[name])).toEqual([])
})

it('llms.txt leads to every page', () => {
  const linked = all(textOf('llms.txt'), /\]\(([^)#]+)\)/g)
  expect(pages.filter((page) => page.startsWith('docs/') && !linked.includes(page))).toEqual([])
})

it('finds what it looks at', () => {
  const count = (pattern: RegExp) => pages.flatMap((page) => all(textOf(page), pattern)).length
  expect(count(/\]\(([^)#:]*)#[^)]+\)/g)).toBeGreaterThan(200)
  expect(count(/\]\(([^)#]+)(?:#[^)]*)?\)/g)).toBeGreaterThan(200)
})
