import { clientManifest, clientName, firstVersion, projectDocument } from './manifest.ts'
import { withoutDeadRows } from './pages.ts'
import { withoutProductPassages } from './passages.ts'

/** What the project that is copied calls itself. */
export interface FormerNames {
  readonly name: string
  readonly version: string
  /** The package of its client. */
  readonly client: string
}

/** Returns the text of a file as the new project has it. Code stays as it is: it reads the name from package.json. */
export const renaming = (old: FormerNames, name: string, isThere: (path: string) => boolean) => {
  const edits: Readonly<Record<string, (text: string) => string>> = {
    'biome.json': withoutBench,
    'client-sdk/package.json': (text) => clientManifest(text, name),
    'compose.yaml': (text) => text.replaceAll(new RegExp(`((?:name|image): )${old.name}(?=:\\$|$)`, 'gm'), `$1${name}`),
    'contract/openapi.json': (text) => projectDocument(text, name),
    'tsconfig.json': withoutBench,
  }
  const onPage = (page: string, text: string) =>
    withoutDeadRows(page, text, isThere)
      .replace(new RegExp(`^# ${old.name}\n`), `# ${name}\n`)
      .replaceAll(said(old.name, old.version), said(name, firstVersion))
      .replaceAll(new RegExp(`(?<![\\w@-])${old.client}(?!\\w)`, 'g'), clientName(name))
  return (file: string, text: string): string => {
    if (isCode(file)) return text
    const left = withoutProductPassages(text)
    return /\.(?:md|txt)$/.test(file) ? onPage(file, left) : (edits[file]?.(left) ?? left)
  }
}

/** What speaks of the product is in files of its own there. */
const isCode = (file: string): boolean => /\.(?:ts|js|mjs|css|sql)$/.test(file)

/** As the quickstart shows the answer of /healthz. */
const said = (service: string, version: string) => `"service": "${service}", "version": "${version}"`

const withoutBench = (text: string): string => text.replaceAll(/, "bench(?:\/[^"]*)?"/g, '')
