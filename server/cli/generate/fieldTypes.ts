/** How a type of field is written in each file of a resource. */
export interface FieldRule {
  /** For the help of the command. */
  readonly about: string
  /** What its column ends in, where its unit or its nature is not in its name. */
  readonly suffix?: string
  /** The schema of the answer, and of the request. */
  readonly output: string
  readonly input: string
  /** The column of its table. */
  readonly column: string
  readonly canBeUnique?: true
  /** Lists can be ordered by it. */
  readonly isSortable?: true
  /** The text of `q` is looked for in it. */
  readonly isSearched?: true
  /** Lists can be asked for the rows that have one value. */
  readonly isFilter?: true
  /** Events tell it. */
  readonly isTold?: true
  /** A value, and another one, in the code of a test. `%` stands for the name, and `$` for a text that no other row has. */
  readonly sample: string
  readonly other: string
}

const text = { output: 'z.string()', column: 'text()' }
const unique = { canBeUnique: true } as const
const sortable = { isSortable: true } as const

const rules = {
  string: {
    ...{ ...text, ...unique, ...sortable, about: 'a text of up to 200 characters', isSearched: true, isTold: true },
    ...{ input: 'label(1, 200)', sample: '$', other: '$' },
  },
  text: {
    ...text,
    about: 'a text of up to 10,000 characters',
    input: 'label(1, 10_000)',
    sample: "'A long %.'",
    other: "'Another %.'",
  },
  int: {
    ...{
      ...unique,
      ...sortable,
      about: 'a whole number of 32 bits',
      output: 'z.int()',
      column: 'integer()',
      isTold: true,
    },
    ...{ input: 'z.int().min(-2_147_483_648).max(2_147_483_647)', sample: '7', other: '8' },
  },
  number: {
    ...{
      ...sortable,
      about: 'a number with a fraction, in double precision',
      output: 'z.number()',
      column: 'doublePrecision()',
    },
    ...{ input: 'z.number()', sample: '0.5', other: '1.5' },
  },
  money: {
    ...{
      ...sortable,
      about: 'an amount in hundredths of a currency',
      suffix: '_cents',
      output: 'z.int()',
      isTold: true,
    },
    ...{
      input: 'z.int().min(-1_000_000_000_000).max(1_000_000_000_000)',
      column: "bigint({ mode: 'number' })",
      sample: '1_250',
      other: '990',
    },
  },
  bool: {
    ...{ about: 'yes or no', output: 'z.boolean()', input: 'z.boolean()', column: 'boolean()' },
    ...{ isFilter: true, isTold: true, sample: 'true', other: 'false' },
  },
  date: {
    ...{ ...sortable, about: 'a day', output: "z.string().meta({ format: 'date' })", input: 'Day' },
    ...{ column: "date({ mode: 'string' })", sample: "'2027-01-31'", other: "'2027-02-28'" },
  },
  datetime: {
    ...{
      ...sortable,
      about: 'a moment',
      output: 'Instant',
      input: 'InstantInput',
      column: 'moment()',
    },
    ...{ sample: "'2027-01-31T12:00:00.000Z'", other: "'2027-02-28T12:00:00.000Z'" },
  },
  email: {
    ...{ ...text, ...unique, ...sortable, about: 'an e-mail address', input: 'Email', isSearched: true },
    ...{ sample: '`${$}@example.org`', other: '`${$}@example.org`' },
  },
  url: {
    ...{ ...text, about: 'an address of the web', input: 'z.url({ protocol: /^https?$/ }).max(2048)' },
    ...{ sample: "'https://example.org/%'", other: "'https://example.org/other'" },
  },
  enum: {
    ...{ about: 'one of some words, as in status:enum(draft,sent)', output: '', input: '', column: '' },
    ...{ isFilter: true, isTold: true, sample: '', other: '' },
  },
  json: {
    about: 'any JSON of up to 64 KiB',
    output: 'Json',
    input: 'Json',
    column: 'jsonb().$type<Json>()',
    sample: "{ note: '%' }",
    other: "{ note: 'other' }",
  },
  ref: {
    ...{
      about: 'a row of another resource, as in customer:ref(users)',
      suffix: '_id',
      output: 'Id',
      input: 'Id',
      column: 'uuid()',
    },
    ...{ isFilter: true, sample: '', other: '' },
  },
} as const satisfies Record<string, FieldRule>

export type FieldType = keyof typeof rules
export const fieldTypes: Readonly<Record<FieldType, FieldRule>> = rules

export const isFieldType = (type: string): type is FieldType => Object.hasOwn(rules, type)
