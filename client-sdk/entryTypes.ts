import type { z } from 'zod'

// Conditions here, in client.ts and in router.ts test type arguments and kinds, never a schema against z.ZodType: TypeScript would
// compare the whole structure of each schema, which doubles the time an editor needs for a contract of 300 procedures.

/** What a caller passes, `undefined` when the entry takes nothing. Fields with a default may be left out. */
export type InputOf<I> = [I] extends [undefined] ? undefined : z.input<I>

/** What a call resolves to. */
export type AnswerOf<O> = z.output<O>

/** What a call without an answer resolves to. */
export type Nothing = z.output<z.ZodVoid>

/** The input of each entry of a contract: `InputsOf<typeof contract>['auth']['register']`. */
export type InputsOf<C> = {
  readonly [F in keyof C]: {
    readonly [P in keyof C[F]]: C[F][P] extends { readonly input?: infer I } ? InputOf<I> : never
  }
}

/** The answer to each entry of a contract. */
export type OutputsOf<C> = {
  readonly [F in keyof C]: {
    readonly [P in keyof C[F]]: C[F][P] extends { readonly output: infer O } ? AnswerOf<O> : never
  }
}
