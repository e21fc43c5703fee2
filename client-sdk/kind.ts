/** What a client must know of an entry at run time, so that it need not carry the contract. */
export interface Kind {
  readonly kind: 'query' | 'mutation' | 'subscription'
  /** Takes no credentials. */
  readonly isPublic?: true
  /** Takes an Idempotency-Key, so it may be sent again. */
  readonly isKeyed?: true
  /** Its input may be left out, and then is `{}` on the wire. */
  readonly isInputOptional?: true
}

/** A kind for each entry of a contract: a stale list does not compile. */
export type KindsOf<C> = {
  readonly [F in keyof C]: {
    readonly [P in keyof C[F]]: Kind & (C[F][P] extends { readonly kind: infer K } ? { readonly kind: K } : never)
  }
}
