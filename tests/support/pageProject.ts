import type { ProjectCopy } from './projectCopy.ts'
import { type Snippet, snippetsOf } from './snippets.ts'

/**
 * Does in a copy of the project what a page says, and returns the files that it writes or changes: a program that begins
 * with the name of a file is that file; of a `diff` the lines with a space or `-` must be there once, and those with a
 * space or `+` take their place.
 */
export const followPage = (page: string, copy: ProjectCopy): readonly string[] => {
  const whole = snippetsOf(page).flatMap(named('ts', /^\/\/ (\S+)\n(.*)$/s))
  const changed = snippetsOf(page).flatMap(named('diff', /^\+{3} (\S+)\n(.*)$/s))
  for (const { name, content } of whole) copy.write(name, content)
  for (const { name, content } of changed) copy.write(name, changedBy(content, copy.read(name)))
  return [...new Set([...whole, ...changed].map(({ name }) => name))]
}

/** Has `forge migrate new` write the migration of a page's table, and adds at its end what the page has in SQL. */
export const writeMigration = async (page: string, name: string, copy: ProjectCopy): Promise<void> => {
  const made = await copy.run('npm', 'run', '-s', 'forge', '--', 'migrate', 'new', name)
  const [file = ''] = new RegExp(`db/migrations/\\d+_${name}\\.sql`).exec(made) ?? []
  const [atItsEnd] = snippetsOf(page).filter(({ language }) => language === 'sql')
  copy.write(file, `${copy.read(file)}\n${atItsEnd?.text}`)
}

const named = (kind: string, form: RegExp) => (snippet: Snippet) => {
  const [, name, content = ''] = (snippet.language === kind && form.exec(snippet.text)) || []
  return name === undefined ? [] : [{ name, content }]
}

const changedBy = (lines: string, text: string) => {
  const without = (mark: string) =>
    lines
      .split('\n')
      .filter((line) => !line.startsWith(mark))
      .map((line) => line.slice(1))
      .join('\n')
  const [before = '', after, ...more] = text.split(without('+'))
  if (after === undefined || more.length > 0)
    throw new Error(`what is to be changed does not stand there once:\n${lines}`)
  return `${before}${without('-')}${after}`
}
