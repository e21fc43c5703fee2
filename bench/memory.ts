import { setTimeout as sleep } from 'node:timers/promises'
import { applyLoad, type Load } from './load.ts'
import { residentMib } from './processes.ts'
import type { Target } from './targets.ts'

export interface Memory {
  readonly name: string
  /** MiB after each of the marks. */
  readonly resident: readonly number[]
}

const burstSeconds = 1
const settleMs = 500

/** Resident memory of fresh servers once they have answered so many requests or a burst more, in turns. */
export const watchMemory = async (
  targets: readonly Target[],
  load: Load,
  marks: readonly number[],
): Promise<readonly Memory[]> => {
  const watched = targets.map((target) => ({ target, served: 0, resident: [] as number[] }))
  for (const mark of marks) {
    for (const each of watched) {
      while (each.served < mark) each.served += (await applyLoad(each.target, load, burstSeconds)).requests
      await sleep(settleMs)
      each.resident.push(residentMib(each.target.pid))
    }
  }
  return watched.map(({ target, resident }) => ({ name: target.name, resident }))
}
