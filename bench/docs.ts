import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Sections } from './report.ts'

const folder = path.join(import.meta.dirname, '../docs')

/** Puts each section where docs/benchmark.md marks its place, and the charts beside it. Throws for a place that is not there. */
export const writeDocs = (sections: Sections, charts: Readonly<Record<string, string>>): void => {
  const page = path.join(folder, 'benchmark.md')
  let text = readFileSync(page, 'utf8')
  for (const [name, content] of Object.entries(sections)) text = fillIn(text, { name, content })
  writeFileSync(page, text)
  for (const [file, chart] of Object.entries(charts)) writeFileSync(path.join(folder, file), chart)
}

const fillIn = (text: string, { name, content }: { name: string; content: string }): string => {
  const [begin, end] = [`<!-- measured: ${name} -->\n`, '\n<!-- end -->']
  const from = text.indexOf(begin)
  const to = text.indexOf(end, from)
  if (from === -1 || to === -1) throw new Error(`docs/benchmark.md has no place for ${name}`)
  return `${text.slice(0, from + begin.length)}${content}${text.slice(to)}`
}
