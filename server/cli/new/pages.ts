import path from 'node:path'

/** Rows of a table, and items of a list that are one line, without those that link to a file that is not there. */
export const withoutDeadRows = (page: string, text: string, isThere: (file: string) => boolean): string => {
  const folder = path.posix.dirname(page)
  const isDead = (link: string) => !/^[a-z]+:/.test(link) && !isThere(path.posix.join(folder, link).replace(/\/$/, ''))
  const lines = text.split('\n')
  return lines
    .filter((line, index) => {
      const isRow = /^\|/.test(line) || (/^- /.test(line) && !/^ +\S/.test(lines[index + 1] ?? ''))
      return !isRow || !linksIn(line).some(isDead)
    })
    .join('\n')
}

/** Without code, since a regular expression can look like a link. */
const linksIn = (line: string): string[] =>
  [...line.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link)
