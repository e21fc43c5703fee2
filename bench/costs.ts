/** What a password hash costs: the figures of goforge's benchmark, and the least that OWASP accepts, on one lane. */
export const costs = {
  cheap: { memoryKib: 1024, iterations: 1, parallelism: 1 },
  accepted: { memoryKib: 19456, iterations: 2, parallelism: 1 },
} as const

export type CostName = keyof typeof costs

/** `m=1024,t=1,p=1`, as in a PHC string. */
export const costText = (name: CostName): string => {
  const { memoryKib, iterations, parallelism } = costs[name]
  return `m=${memoryKib},t=${iterations},p=${parallelism}`
}
