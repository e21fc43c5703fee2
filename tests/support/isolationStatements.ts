import { randomUUID } from 'node:crypto'
import type { TestApp } from './app.ts'
import type { World } from './isolationWorld.ts'

/** A statement by its name, with what an own call of A gave it. */
export interface Recorded {
  readonly name: string
  readonly params: Readonly<Record<string, unknown>>
  /** What is sent to PostgreSQL for parameters. */
  readonly textOf: (params: Readonly<Record<string, unknown>>) => Promise<{ text: string; values: unknown[] }>
}

const uuids = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/
const unknown = randomUUID()

/** Ids that both sides have are of rows that all tenants share. */
const withoutIds = (value: unknown, world: World): unknown => {
  if (Array.isArray(value)) return value.map((one) => withoutIds(one, world))
  if (typeof value !== 'string' || !uuids.test(value)) return value
  const isShared = [world.a, world.b].every(({ ids }) => Object.values(ids).includes(value))
  return isShared ? value : unknown
}

/**
 * Runs statements by themselves, with the ids of A, in a tenant that has nothing. They must find what they find for ids
 * that do not exist, and change nothing. So each statement has to be right on its own, also where another one before it
 * would have turned the call away.
 */
export const runAlone = async (app: TestApp, world: World, statements: readonly Recorded[]): Promise<string[]> => {
  const whole = await world.digest('all')
  const findings: string[] = []
  const run = async ({ textOf }: Recorded, params: Readonly<Record<string, unknown>>) => {
    const { text, values } = await textOf(params)
    const rows = await app.sql(text, values).catch((error: { code?: string }) => [{ error: error.code }])
    const isChanged = (await world.digest('all')) !== whole
    if (isChanged || !text.startsWith('select')) await world.restore()
    return { rows: JSON.stringify(rows), isChanged }
  }
  for (const statement of statements) {
    const { name, params } = statement
    const unknownParams = Object.fromEntries(
      Object.entries(params).map(([key, value]) => [key, withoutIds(value, world)]),
    )
    const { text } = await statement.textOf(params)
    // What changes rows may well do so in a tenant that exists.
    for (const bucket of text.startsWith('select') ? [world.emptyId, world.hollowId] : [world.emptyId]) {
      const found = await run(statement, { ...params, bucket })
      const expected = await run(statement, { ...unknownParams, bucket })
      if (found.isChanged || expected.isChanged) findings.push(`${name} changes rows of another tenant`)
      if (found.rows !== expected.rows) findings.push(`${name} finds ${found.rows} instead of ${expected.rows}`)
      if (isOfSomebody(expected.rows, world)) findings.push(`${name} finds ${expected.rows}`)
    }
  }
  return findings
}

/** Texts of a tenant begin with its canary, and rows without a text still name their tenant. */
const isOfSomebody = (rows: string, { a, b }: World) =>
  ['canary-', ...a.tenantIds, ...b.tenantIds].some((trace) => rows.includes(trace))

const timesEach = 5

/** Of everything that ran what was asked in A with nothing but things of A, a few times each. */
export const chooseRecorded = (ran: readonly Recorded[], { a, b, shared }: World): Recorded[] => {
  const strange = [...b.tenantIds, ...b.personIds, ...Object.values(b.ids), ...Object.values(shared)]
  const own = new Set(Object.values(a.ids))
  const foreign = strange.filter((id) => id === undefined || !own.has(id))
  const chosen = new Map<string, Map<string, Recorded>>()
  for (const statement of ran) {
    const text = JSON.stringify(statement.params)
    if (statement.params.bucket !== a.ids.tenants || foreign.some((id) => id !== undefined && text.includes(id)))
      continue
    const same = chosen.get(statement.name) ?? new Map<string, Recorded>()
    if (same.size < timesEach) same.set(text, statement)
    chosen.set(statement.name, same)
  }
  return [...chosen.values()].flatMap((same) => [...same.values()])
}
