/** What a PromQL expression names. */
export interface Named {
  readonly metrics: readonly string[]
  readonly labels: readonly string[]
}

const words = new Set([
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'and',
  'or',
  'unless',
  'bool',
  'offset',
])
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1] ?? '')

/** Finds the metrics and labels of an expression; functions are words before a parenthesis. */
export const namesIn = (expression: string): Named => {
  const matchers = all(expression, /\{([^}]*)\}/g).join(',')
  const groups = all(expression, /\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g).join(',')
  const rest = expression
    .replace(/\{[^}]*\}/g, ' ')
    .replace(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, ' ')
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(/"[^"]*"|\$\w+/g, ' ')
  return {
    metrics: all(rest, /\b([a-z_][\w:]*)\b(?!\s*\()/gi).filter((word) => !words.has(word)),
    labels: [...all(matchers, /(\w+)\s*(?:=~|!~|!=|=)/g), ...groups.split(',').map((label) => label.trim())].filter(
      (label) => label !== '',
    ),
  }
}
