import type { Contract, Entry } from '../../contract/define.ts'

/** An entry with its place in the contract, which is its operation id. */
export interface NamedEntry {
  readonly key: string
  readonly feature: string
  readonly rules: Entry
}

export const entriesOf = (contract: Contract): NamedEntry[] =>
  Object.entries(contract).flatMap(([feature, entries]) =>
    Object.entries(entries).map(([name, rules]) => ({ key: `${feature}.${name}`, feature, rules })),
  )

/** The anchor that GitHub makes of a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')

/** Text that stands in a cell of a table. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
