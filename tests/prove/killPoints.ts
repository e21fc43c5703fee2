/** Where a server dies in the life of a mutation with a key; `mortalServer.ts` sees to it. */
export const killPoints = [
  'before the claim',
  'after the claim',
  'inside the handler',
  'after the commit',
  'after the answer',
] as const

export type KillPoint = (typeof killPoints)[number]
