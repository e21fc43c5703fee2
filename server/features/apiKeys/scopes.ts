/** Stands for everything that the owner may do at the moment of a call. */
export const everything = '*'

/** The scopes that are meant: each once, in the order given, without blanks. */
export const meantScopes = (given: readonly string[]): string[] => [...new Set(given)].filter((scope) => scope !== '')

/** Those among them that must be held by whoever hands them out. */
export const namedPermissions = (scopes: readonly string[]): string[] => scopes.filter((scope) => scope !== everything)
