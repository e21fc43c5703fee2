import type { Contract, Entry, ErrorRule } from '../../contract/define.ts'
import { impliedErrors } from '../../contract/implied.ts'
import { anchorOf, entriesOf, type NamedEntry } from './entries.ts'

const intro = `# Errors

Every refusal is \`{"success":false,"error":{"code","message","meta"},"request_id"}\` on REST, and
\`error.data.failure\` of a tRPC error. Programs decide by \`code\`; \`message\` is for people and may change. \`request_id\`
finds the call in the log. The [REST reference](rest.md) has the codes of each entry; a new one of an entry that is released is
a breaking change, and is announced as one ([contract.md](contract.md#change-it)).

This page is written by \`npm run generate\` from \`contract/errors.ts\`, \`contract/errorAdvice.ts\` and the
entries of the contract.
`

/** The text of `docs/errors.md`: a section for each code, in the order of the tables. */
export const renderErrorsPage = (
  contract: Contract,
  errors: Readonly<Record<string, ErrorRule>>,
  advice: Readonly<Record<string, string>>,
): string => {
  const entries = entriesOf(contract)
  const rows = Object.entries(errors).map(([code, [status]]) => `| ${status} | [\`${code}\`](#${anchorOf(code)}) |`)
  const sections = Object.entries(errors).map(([code, [status, sentence]]) =>
    [
      `## \`${code}\``,
      '',
      `**${status}** ${sentence}`,
      '',
      ...(advice[code] ? [`- What to do: ${advice[code]}`] : []),
      `- Sent by ${sendersOf(code, entries)}.`,
      '',
    ].join('\n'),
  )
  return [intro, '| status | code |', '|---|---|', ...rows, '', ...sections].join('\n')
}

const isKeyed = (entry: Entry) => entry.kind === 'mutation' && entry.idempotency === 'key'
const isOpen = ({ access }: Entry) => access === 'public' || access === 'user' || access === 'session'

/** Codes that the server answers where no entry is, although entries send them too. */
const alsoOutside: ReadonlySet<string> = new Set(['route.not_found'])

/** The groups of entries that rules make; the first that fits names them all. */
const groups: readonly (readonly [name: string, has: (entry: Entry) => boolean])[] = [
  ['every entry', () => true],
  ['every entry that takes input', ({ input }) => input !== undefined],
  ['every entry with POST, PUT or PATCH', ({ http: [verb] }) => verb !== 'GET' && verb !== 'DELETE'],
  ['every entry that is not public', ({ access }) => access !== 'public'],
  ['every entry that wants a signed-in person', ({ access }) => access === 'session'],
  ['every entry that asks for a permission', (entry) => !isOpen(entry)],
  ['every mutation that takes an `Idempotency-Key`', isKeyed],
]

const sendersOf = (code: string, entries: readonly NamedEntry[]): string => {
  const implied = entries.filter(({ rules }) => (impliedErrors(rules) as string[]).includes(code))
  const declared = entries.filter((entry) => !implied.includes(entry) && entry.rules.errors?.includes(code))
  const group =
    implied.length > 0 &&
    groups.find(([, has]) => entries.every((entry) => has(entry.rules) === implied.includes(entry)))
  const named = (group ? declared : [...implied, ...declared]).map(
    ({ key }) => `[\`${key}\`](rest.md#${anchorOf(key)})`,
  )
  const outside = alsoOutside.has(code) ? ['the server itself where no entry is'] : []
  const senders = [...outside, ...(group ? [group[0]] : []), ...named]
  return senders.length > 0 ? senders.join(', ') : 'the server itself, before or outside the entries'
}
