import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeProcess, isRunning } from './processes.ts'

/** Who keeps the database running: one file a holder, in a folder. Call everything here under the file lock. */
export interface Holders {
  /** Notes that this process holds the database once more; the name undoes it. */
  readonly add: () => string
  readonly remove: (name: string) => void
  /** How many are held by processes that live; the notes of dead ones are swept. */
  readonly count: () => number
}

/** The holders noted in `folder`, which is made when missing. */
export function holdersIn(folder: string): Holders {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const remove = (name: string) => rmSync(join(folder, name), { force: true })
  return {
    remove,
    add() {
      const name = randomUUID()
      writeFileSync(join(folder, name), describeProcess(process.pid), { mode: 0o600 })
      return name
    },
    count() {
      const names = readdirSync(folder)
      const dead = names.filter((name) => !isRunning(readFileSync(join(folder, name), 'utf8')))
      for (const name of dead) remove(name)
      return names.length - dead.length
    },
  }
}
