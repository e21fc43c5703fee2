import type { Actor } from '../../context.ts'

/**
 * The codes among these that the actor does not hold, sorted: nobody hands out what they do not hold. Empty when
 * everything may be handed out.
 */
export const beyondHolding = ({ permissions }: Pick<Actor, 'permissions'>, codes: Iterable<string>): string[] =>
  [...new Set(codes)].filter((code) => !permissions.has(code)).sort()
