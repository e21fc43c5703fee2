import type { Terminal } from './terminal.ts'

/** Prints a result: as JSON for programs, else as text for people. */
export const answer = (terminal: Terminal, json: true | undefined, value: unknown, text: string): void =>
  terminal.print(json ? `${JSON.stringify(value)}\n` : `${text}\n`)

/** What stands below the options in the help of a command. */
export const example = (...commands: readonly string[]): string =>
  `\nExample:\n${commands.map((command) => `  npm run forge -- ${command}`).join('\n')}`

/** Rows of cells below each other; the last cell of a row is not padded. */
export const columns = (rows: readonly (readonly string[])[]): string => {
  const count = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: count }, (_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)))
  const pad = (cell: string, index: number, row: readonly string[]) =>
    index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}

export const jsonOption = ['--json', 'print the result as JSON'] as const
