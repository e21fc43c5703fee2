import type { Change, Verdict } from './change.ts'

/** How many changes there are of each verdict. */
export const countOf = (changes: readonly Change[]): Record<Verdict, number> => {
  const count = (verdict: Verdict) => changes.filter((change) => change.verdict === verdict).length
  return { breaking: count('breaking'), look: count('look'), compatible: count('compatible') }
}

/** The changes as Markdown, to be pasted into a changelog. The same change in several operations is one line. */
export const renderChangelog = (changes: readonly Change[]): string => {
  const told = changes.filter(({ kind }) => kind !== 'described')
  const described = changes.length - told.length
  const rest = told.filter(({ verdict }) => verdict !== 'breaking')
  const sections = [
    section(
      'Breaking',
      told.filter(({ verdict }) => verdict === 'breaking'),
    ),
    section(
      'Added',
      rest.filter(({ kind }) => kind === 'added'),
    ),
    section(
      'Changed',
      rest.filter(({ kind }) => kind !== 'added'),
      described,
    ),
  ]
  const text = sections.filter((lines) => lines !== '').join('\n')
  return text === '' ? 'Nothing changed.\n' : text
}

const section = (title: string, changes: readonly Change[], described = 0): string => {
  const lines = linesOf(changes)
  if (described > 0) lines.push(`- ${described === 1 ? 'One description' : `${described} descriptions`} changed.`)
  return lines.length === 0 ? '' : `### ${title}\n\n${lines.join('\n')}\n`
}

const linesOf = (changes: readonly Change[]): string[] => {
  const operations = new Map<string, string[]>()
  for (const change of changes) {
    const text = sentenceOf(change)
    operations.set(text, [...(operations.get(text) ?? []), ...(change.operation ? [`\`${change.operation}\``] : [])])
  }
  return [...operations].map(([text, names]) => `- ${names.length > 0 ? `${names.join(', ')}: ` : ''}${text}`)
}

const sentenceOf = ({ verdict, place, text }: Change): string =>
  `${place === '' ? '' : `\`${place}\` `}${text}${verdict === 'look' ? ' (to be looked at)' : ''}.`
