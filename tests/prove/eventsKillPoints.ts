/** Where a server of `prove:events` dies in the life of an event. */
export const eventKillPoints = ['row written', 'position given', 'handled, not confirmed'] as const

export type EventKillPoint = (typeof eventKillPoints)[number]
