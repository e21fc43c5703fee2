/** What a flag says: on or off, or the name of a variant. */
export type FlagValue = boolean | string

export interface BooleanFlag {
  readonly kind: 'boolean'
  /** What is so while it is on, in a sentence. */
  readonly description: string
  readonly default: boolean
}

export interface VariantFlag {
  readonly kind: 'variant'
  readonly description: string
  readonly variants: readonly [string, string, ...string[]]
  readonly default: string
}

export type Flag = BooleanFlag | VariantFlag

/** Flags by name: words of letters and digits, joined by dots or dashes, as in `checkout.newBasket`. */
export type FlagTable = Readonly<Record<string, Flag>>

/** The names of the flags that are on or off; those alone can close an entry. */
export type BooleanFlagName<T> = { [N in keyof T]: T[N] extends { kind: 'boolean' } ? N : never }[keyof T] & string
export type VariantFlagName<T> = { [N in keyof T]: T[N] extends { kind: 'variant' } ? N : never }[keyof T] & string

/** What a flag of a table can say. */
export type ValueOf<F> = F extends { kind: 'boolean' }
  ? boolean
  : F extends { variants: readonly (infer V extends string)[] }
    ? V
    : never

/** Everything that a flag can say. */
export const valuesOf = (flag: Flag): readonly FlagValue[] => (flag.kind === 'boolean' ? [true, false] : flag.variants)

/** In words, as the end of "must be …". */
export const valuesInWords = (flag: Flag): string =>
  flag.kind === 'boolean' ? 'true or false' : `one of [${flag.variants.join(' ')}]`
