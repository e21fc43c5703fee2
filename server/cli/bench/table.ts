/** A table of Markdown whose figures, in all columns but the first, stand on the right. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, column) => (column === 0 ? '---' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

/** A figure as a whole number with a comma after each thousand. */
export const whole = (value: number): string => Math.round(value).toLocaleString('en')
