import { readFileSync } from 'node:fs'
import path from 'node:path'
import { repository } from './compile.ts'

export interface Snippet {
  readonly language: string
  readonly text: string
  /** In the page, where its fence stands. */
  readonly line: number
  /** What the page shows as its output, right behind it. */
  readonly shown: Shown | undefined
}

interface Shown {
  readonly language: 'json' | 'text'
  readonly text: string
}

/** The fenced blocks of a page, from top to bottom; a block of `json` or `text` behind commands is their output. */
export const snippetsOf = (page: string): readonly Snippet[] => {
  const source = readFileSync(path.join(repository, page), 'utf8')
  const fences = [...source.matchAll(/^```(\w*)\n(.*?)^```\n*/gms)].map(
    ({ 0: whole, 1: language, 2: text, index }) => ({
      language: language ?? '',
      text: text ?? '',
      line: source.slice(0, index).split('\n').length,
      from: index,
      to: index + whole.length,
    }),
  )
  return fences.map(({ language, text, line, to }) => {
    const next = fences.find(({ from }) => from === to)
    const shown = next?.language === 'json' || next?.language === 'text' ? next : undefined
    return { language, text, line, shown: shown && { language: shown.language as Shown['language'], text: shown.text } }
  })
}

/** What a program prints stands behind the line that prints it, as `console.log(…) // what`. */
export const printedBy = (program: string): readonly string[] =>
  [...program.matchAll(/console\.log\(.*\) \/\/ (.+)$/gm)].map(([, shown = '']) => shown)

/** A pattern for a text in which `…` stands for anything. */
export const patternOf = (text: string, isWhole: boolean): RegExp => {
  const parts = text.trim().split('…')
  const source = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[\\s\\S]*?')
  return new RegExp(isWhole ? `^${source}$` : source)
}

/**
 * What an answer is where the page shows it: each text that fits the shown one, as the shown one. Fields that one of both
 * lacks stay, so that a comparison sees them.
 */
export const asShown = (answer: unknown, shown: unknown): unknown => {
  if (typeof answer === 'string' && typeof shown === 'string')
    return patternOf(shown, true).test(answer) ? shown : answer
  if (Array.isArray(answer) && Array.isArray(shown)) return answer.map((item, index) => asShown(item, shown[index]))
  if (!isObject(answer) || !isObject(shown)) return answer
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, asShown(value, shown[name])]))
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
