/** How a type of field is written in each file of a resource. */
export interface FieldRule {
  /** For the help of the command. */
  readonly about: string
  /** What its column ends in, where its unit or its nature is not in its name. */
  readonly suffix?: string
  /** The schema of the answer, and of the request. An enum has one of its own. */
  readonly output?: string
  readonly input?: string
  /** The column of its table. */
  readonly column?: string
  readonly canBeUnique?: true
  /** Lists can be ordered by it. */
  readonly isSortable?: true
  /** The text of `q` is looked for in it. */
  readonly isSearched?: true
  /** Lists can be asked for the rows that have one value. */
  readonly isFilter?: true
  /** A value, and another one, in the code of a test, where it is not made for each row. `%` stands for the name. */
  readonly sample?: readonly [one: string, other: string]
}

const text = { output: 'z.string()', column: 'text()' } as const

const rules = {
  string: {
    ...text,
    about: 'a text of up to 200 characters',
    input: 'label(1, 200)',
    canBeUnique: true,
    isSortable: true,
    isSearched: true,
  },
  text: {
    ...text,
    about: 'a text of up to 10,000 characters',
    input: 'label(1, 10_000)',
    sample: ["'A long %.'", "'Another %.'"],
  },
  int: {
    about: 'a whole number of 32 bits',
    output: 'z.int()',
    input: 'z.int().min(-2_147_483_648).max(2_147_483_647)',
    column: 'integer()',
    canBeUnique: true,
    isSortable: true,
    sample: ['7', '8'],
  },
  number: {
    about: 'a number with a fraction, in double precision',
    output: 'z.number()',
    input: 'z.number()',
    column: 'doublePrecision()',
    isSortable: true,
    sample: ['0.5', '1.5'],
  },
  money: {
    about: 'an amount in hundredths of a currency',
    suffix: '_cents',
    output: 'z.int()',
    input: 'z.int().min(-1_000_000_000_000).max(1_000_000_000_000)',
    column: "bigint({ mode: 'number' })",
    isSortable: true,
    sample: ['1_250', '990'],
  },
  bool: {
    about: 'yes or no',
    output: 'z.boolean()',
    input: 'z.boolean()',
    column: 'boolean()',
    isFilter: true,
    sample: ['true', 'false'],
  },
  date: {
    about: 'a day',
    output: "z.string().meta({ format: 'date' })",
    input: 'Day',
    column: "date({ mode: 'string' })",
    isSortable: true,
    sample: ["'2027-01-31'", "'2027-02-28'"],
  },
  datetime: {
    about: 'a moment',
    output: 'Instant',
    input: 'InstantInput',
    column: 'moment()',
    isSortable: true,
    sample: ["'2027-01-31T12:00:00.000Z'", "'2027-02-28T12:00:00.000Z'"],
  },
  email: {
    ...text,
    about: 'an e-mail address',
    input: 'Email',
    canBeUnique: true,
    isSortable: true,
    isSearched: true,
  },
  url: {
    ...text,
    about: 'an address of the web',
    input: 'z.url({ protocol: /^https?$/ }).max(2048)',
    sample: ["'https://example.org/%'", "'https://example.org/other'"],
  },
  enum: { about: 'one of some words, as in status:enum(draft,sent)', isFilter: true },
  json: {
    about: 'any JSON of up to 64 KiB',
    output: 'Json',
    input: 'Json',
    column: 'jsonb().$type<Json>()',
    sample: ["{ note: '%' }", "{ note: 'other' }"],
  },
  ref: {
    about: 'a row of another resource, as in customer:ref(users)',
    suffix: '_id',
    output: 'Id',
    input: 'Id',
    column: 'uuid()',
    isFilter: true,
  },
} as const satisfies Record<string, FieldRule>

export type FieldType = keyof typeof rules
export const fieldTypes: Readonly<Record<FieldType, FieldRule>> = rules

export const isFieldType = (type: string): type is FieldType => Object.hasOwn(rules, type)
