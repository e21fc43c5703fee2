import { randomBytes, randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Entry } from '../../contract/define.ts'
import type { Request } from './isolationCall.ts'
import { canaryOf, type Kind, type Side } from './isolationSide.ts'
import type { World } from './isolationWorld.ts'
import { scenes } from './scenes.ts'

/**
 * A call that names something of the other tenant, and its twin, which names things that do not exist. Without a twin
 * it names what all tenants see.
 */
export interface Probe {
  readonly label: string
  readonly isBare: boolean
  /** It names an id of B, which no entry has a use for. */
  readonly mustRefuse: boolean
  /** It names it in a filter of a list alone, which may say instead that nothing is of it. */
  readonly mayFindNothing: boolean
  readonly request: Request
  readonly twin: Request | undefined
}

interface IdField {
  readonly name: string
  readonly kind: Kind
  readonly isList: boolean
  readonly isOptional: boolean
}

/** Where a value comes from: the own tenant, the other one, a list of both, or what all tenants share. */
type Origin = 'own' | 'foreign' | 'mixed' | 'shared'

const word = () => `probe-${randomBytes(6).toString('hex')}`
const unknown = randomUUID()

const accepts = (field: z.ZodType, value: unknown) => field.safeParse(value).success
const noId = 'a-text-that-is-no-id'
const isId = (field: z.ZodType) => accepts(field, unknown) && !accepts(field, noId)
const isOptional = (field: z.ZodType) => accepts(field, undefined)
const isFlag = (field: z.ZodType) => accepts(field, true) && !accepts(field, {})
const isIdList = (field: z.ZodType) => accepts(field, [unknown]) && !accepts(field, [noId])

const references = Object.assign({}, ...scenes.map(({ references }) => references)) as Record<string, Kind | undefined>

/** `user_id` and `user_ids` are of users; `id` and `parent_id` of what the path leads to. The scene of a module may say another. */
const kindOf = (name: string, [, path]: Entry['http']): Kind => {
  const resource = path.split('/{')[0]?.split('/').at(-1) ?? ''
  const said = references[`${resource}.${name}`]
  if (said !== undefined) return said
  const named = /^(?!parent)(\w+)_ids?$/.exec(name)?.[1]
  return named === undefined ? resource : `${named}s`
}

const fieldsOf = ({ input }: Entry): [string, z.ZodType][] => Object.entries(input?.shape ?? {})

/** The ids in the rules of a flag are compared with callers: nothing is looked up by them. */
const searchable = (input: z.ZodObject) => {
  const { properties } = z.toJSONSchema(input, { io: 'input' })
  const { rules: _, ...others } = properties ?? {}
  return others
}

const idFieldsOf = (entry: Entry): IdField[] => {
  const found = fieldsOf(entry)
    .filter(([, field]) => isId(field) || isIdList(field))
    .map(([name, field]) => ({
      name,
      kind: kindOf(name, entry.http),
      isList: isIdList(field),
      isOptional: isOptional(field),
    }))
  const inSchema = entry.input ? JSON.stringify(searchable(entry.input)).split('"uuid"').length - 1 : 0
  if (inSchema !== found.length) throw new Error('it takes ids in a place where none are looked for')
  return found
}

/** What a field of a fixed set of words can be. */
export const choicesOf = (field: z.ZodType): readonly unknown[] =>
  z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' }).enum ?? []

/** A value that a field takes, by trying. Undefined for an optional field that wants none of these. */
const fill = (name: string, field: z.ZodType): unknown => {
  const soon = new Date(Date.now() + 86_400_000).toISOString()
  const search = name === 'q' ? ['canary'] : []
  const texts = [word(), 'correct horse battery', `${word()}@example.org`, `https://example.org/${word()}`]
  const candidates = [...search, ...choicesOf(field), ...texts, soon, soon.slice(0, 10), 3, true, [], {}]
  const value = candidates.find((candidate) => accepts(field, candidate))
  if (value === undefined && !accepts(field, undefined)) throw new Error(`no value is known for ${name}`)
  return value
}

const paging = new Set(['limit', 'cursor', 'total'])

/** How much is filled in: what must be there, or everything, with flags down or up. */
const levels = ['bare', 'full', 'flagged'] as const
type Level = (typeof levels)[number]

/** All that is no id. */
const plainFields = (entry: Entry, ids: readonly IdField[], level: Level) => {
  const left = new Set([...ids.map(({ name }) => name), ...paging])
  const wanted = fieldsOf(entry).filter(([name, field]) => !left.has(name) && !(level === 'bare' && isOptional(field)))
  return Object.fromEntries(
    wanted.map(([name, field]) => [name, isFlag(field) ? level === 'flagged' : fill(name, field)]),
  )
}

const originsOf = ({ name, isList, kind }: IdField, { a, shared }: World): Origin[] => {
  if (a.ids[kind] === undefined)
    throw new Error(`no id of ${kind} is known for ${name}: furnish in the scene of its module makes them`)
  const more: Origin[] = isList ? ['mixed'] : []
  return ['own', 'foreign', ...more, ...(shared[kind] === undefined ? [] : (['shared'] as const))]
}

const combine = (fields: readonly IdField[], world: World): Origin[][] =>
  fields.reduce<Origin[][]>(
    (all, field) => all.flatMap((some) => originsOf(field, world).map((one) => [...some, one])),
    [[]],
  )

const idsFrom = ({ kind, isList }: IdField, origin: Origin, foreignId: string, { a, shared }: World) => {
  const own = a.ids[kind]
  const ids = { own: [own], foreign: [foreignId], mixed: [own, foreignId], shared: [shared[kind]] }[origin]
  return isList ? ids : ids[0]
}

/** Ids that name rows which all tenants share are nobody's: both sides have the same. */
const isShared = (kind: Kind, { a, b }: World) => a.ids[kind] === b.ids[kind]

/**
 * Every way to call an entry with something of B while signed in as the manager of A: each header, each id, a cursor.
 * Throws when it is not known how to fill in a field.
 */
export const probesOf = (entry: Entry, world: World, cursorOfB: string | undefined): Probe[] => {
  const allIds = idFieldsOf(entry)
  const cursors = cursorOfB === undefined ? [undefined] : [undefined, cursorOfB]
  const hasFlags = fieldsOf(entry).some(([name, field]) => !paging.has(name) && isFlag(field))
  return levels
    .filter((level) => level !== 'flagged' || hasFlags)
    .flatMap((level) => {
      const ids = level === 'bare' ? allIds.filter(({ isOptional }) => !isOptional) : allIds
      const rest = plainFields(entry, ids, level)
      const choices = combine(ids, world).flatMap((origins) =>
        headers.flatMap((header) => cursors.map((cursor) => ({ level, ids, origins, header, cursor, rest }))),
      )
      const isList = fieldsOf(entry).some(([name]) => name === 'cursor')
      return choices
        .filter((choice) => isForeign(choice, world))
        .map((choice) => ({ ...toProbe(choice, world), mayFindNothing: isList && isFiltering(choice, world) }))
    })
}

const headers = ['own', 'foreign', 'none'] as const

interface Choice {
  readonly level: Level
  readonly ids: readonly IdField[]
  readonly origins: readonly Origin[]
  readonly header: (typeof headers)[number]
  readonly cursor: string | undefined
  readonly rest: Readonly<Record<string, unknown>>
}

const foreignOrigins: readonly (Origin | undefined)[] = ['foreign', 'mixed']
const hasForeignId = ({ ids, origins }: Choice, world: World) =>
  ids.some(({ kind }, index) => foreignOrigins.includes(origins[index]) && !isShared(kind, world))
/** No foreign id but those to filter by: the id in a path is never optional, and `tenant_id` repeats the header. */
const isFiltering = (choice: Choice, world: World) => {
  const isFilter = ({ name, isOptional }: IdField) => isOptional && name !== 'tenant_id'
  const others = choice.ids.map((field, index) => (isFilter(field) ? 'own' : (choice.origins[index] ?? 'own')))
  return hasForeignId(choice, world) && !hasForeignId({ ...choice, origins: others }, world)
}
const hasSharedId = ({ origins }: Choice) => origins.includes('shared')

const isForeign = (choice: Choice, world: World) =>
  hasForeignId(choice, world) || hasSharedId(choice) || choice.header === 'foreign' || choice.cursor !== undefined

const toProbe = (choice: Choice, world: World): Omit<Probe, 'mayFindNothing'> => {
  const { a, b } = world
  const { level, ids, origins, header, cursor, rest } = choice
  const build = (isTwin: boolean): Request => {
    const foreign = (kind: Kind) => (isTwin ? unknown : b.ids[kind])
    const named = ids.map((field, index) => {
      const foreignId = isShared(field.kind, world) ? a.ids[field.kind] : foreign(field.kind)
      return [field.name, idsFrom(field, origins[index] ?? 'own', foreignId ?? unknown, world)]
    })
    const tenant = { own: a.ids.tenants, foreign: foreign('tenants'), none: undefined }[header]
    const position = cursor === undefined ? {} : { cursor: isTwin ? 'bm9uc2Vuc2U' : cursor }
    return { tenant, input: { ...rest, ...Object.fromEntries(named), ...position } }
  }
  const places = ids.map(({ name }, index) => `${name}: ${origins[index]}`)
  return {
    label: [`header: ${header}`, ...places, ...(cursor ? ['cursor of B'] : []), level].join(', '),
    isBare: level === 'bare',
    // A flag may say that an id does not count, as unset_parent does.
    mustRefuse: hasForeignId(choice, world) && level !== 'flagged',
    request: build(false),
    twin: hasSharedId(choice) && !hasForeignId(choice, world) && header !== 'foreign' ? undefined : build(true),
  }
}

/** A call within one tenant: what its manager would send. */
export const ownRequest = (entry: Entry, side: Side, more: object = {}): Request => {
  const ids = idFieldsOf(entry).filter(({ isOptional }) => !isOptional)
  const named = ids.map(({ name, kind, isList }) => [name, isList ? [side.ids[kind]] : side.ids[kind]])
  return {
    tenant: side.ids.tenants,
    input: { ...plainFields(entry, ids, 'bare'), ...Object.fromEntries(named), ...more },
  }
}

/** What of B stands in a text: a canary, or an id of B that the request did not hold. */
export const tracesOf = (text: string, world: World, request: Request): string[] => {
  const { b } = world
  const low = text.toLowerCase()
  const sent = JSON.stringify(request)
  const ids = [
    ...b.tenantIds,
    ...b.personIds,
    ...Object.entries(b.ids)
      .filter(([kind]) => !isShared(kind, world))
      .map(([, id]) => id),
  ]
  const canaries = low.includes(canaryOf('b')) ? [low.slice(low.indexOf(canaryOf('b'))).slice(0, 40)] : []
  return [...canaries, ...ids.filter((id) => low.includes(id) && !sent.includes(id))]
}
