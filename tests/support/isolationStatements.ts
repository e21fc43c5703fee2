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

const withoutIds = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutIds)
  return typeof value === 'string' && uuids.test(value) ? unknown : value
}

/**
 * Runs statements by themselves, with the ids of A, in the bucket of a tenant that has no rows. They must find what they
 * find for ids that do not exist, and change nothing. So a statement has to be right on its own, also where another one
 * before it would have turned the call away.
 */
export const runAlone = async ({ sql }: TestApp, world: World, statements: readonly Recorded[]): Promise<string[]> => {
  const findings: string[] = []
  const whole = await world.digest('all')
  const outcome = async ({ textOf }: Recorded, params: Readonly<Record<string, unknown>>) => {
    const { text, values } = await textOf(params)
    const rows = await sql(text, values).catch((error: { code?: string }) => [{ error: error.code }])
    const isChanged = (await world.digest('all')) !== whole
    if (isChanged) await world.restore()
    return { rows: JSON.stringify(rows), isChanged }
  }
  for (const statement of statements) {
    const params = { ...statement.params, bucket: world.emptyId }
    const names = Object.entries(statement.params).map(([name, value]) => [name, withoutIds(value)])
    const found = await outcome(statement, params)
    const expected = await outcome(statement, { ...Object.fromEntries(names), bucket: world.emptyId })
    if (found.isChanged || expected.isChanged) findings.push(`${statement.name} changes rows of another tenant`)
    if (found.rows !== expected.rows) findings.push(`${statement.name} finds ${found.rows} instead of ${expected.rows}`)
    if (/canary-/.test(expected.rows)) findings.push(`${statement.name} finds ${expected.rows}`)
  }
  return findings
}

const timesEach = 5

/** Of everything that ran what was asked in A with nothing but things of A, a few times each. */
export const chooseRecorded = (ran: readonly Recorded[], { a, b }: World): Recorded[] => {
  const foreign = [...b.tenantIds, ...b.personIds, ...Object.values(b.ids)].filter((id) => id !== a.ids.permissions)
  const chosen = new Map<string, Map<string, Recorded>>()
  for (const statement of ran) {
    const text = JSON.stringify(statement.params)
    if (statement.params.bucket !== a.ids.tenants || foreign.some((id) => text.includes(id))) continue
    const same = chosen.get(statement.name) ?? new Map<string, Recorded>()
    if (same.size < timesEach) same.set(text, statement)
    chosen.set(statement.name, same)
  }
  return [...chosen.values()].flatMap((same) => [...same.values()])
}
