import { lines, withImports } from './imports.ts'
import { finderName } from './queriesFile.ts'
import { filters, foreignKey, type Resource, searched, told as toldFields, unique, uniques } from './resource.ts'

/** `server/features/<resources>/procedures.ts`: a handler for each entry. */
export const proceduresFile = (resource: Resource): string => {
  const { names, references } = resource
  const { pascal, pascals } = names
  const code = lines(
    `export const ${names.camels}: Handlers<typeof contract.${names.camels}> = {`,
    [list, get, create, update, remove].map((handler) => `${handler(resource)}\n`),
    '}',
    references.length > 0 && `\n${requireTargets(resource)}`,
    isRefused(resource) && `\n${explain(resource)}`,
  )
  const finders = new Set(references.map(finderName))
  const queries = [`count${pascals}`, `delete${pascal}`, ...finders, `find${pascal}`, `hold${pascal}`]
  return withImports(code, [
    { from: 'uuidv7', names: ['uuidv7'] },
    { from: '../../../contract/index.ts', names: ['contract'], isType: true },
    { from: '../../../db/client.ts', names: ['Db'], isType: true },
    { from: '../../../db/conflict.ts', names: ['isConflict', 'isOrphaned', 'isReferred'] },
    { from: '../../../db/onlyRow.ts', names: ['onlyRow'] },
    { from: '../../../db/sorted.ts', names: ['positionIn'] },
    { from: '../../rpc/failure.ts', names: ['Failure'], isType: true },
    { from: '../../rpc/handlers.ts', names: ['Handlers'], isType: true },
    { from: '../../rpc/paging.ts', names: ['containing', 'paginate'] },
    { from: './queries.ts', names: [...queries, `insert${pascal}`, `list${pascals}`, `update${pascal}`] },
  ])
}

/** Behind other parameters. */
const bucketOf = ({ isTenant }: Resource) => (isTenant ? ', bucket' : '')
const place = (resource: Resource) => `{ id${bucketOf(resource)} }`
const missing = ({ names }: Resource) => `throw fail('${names.snakes}.not_found')`
const caught = (resource: Resource) => (isRefused(resource) ? '.catch(explain(fail))' : '')

const get = (resource: Resource) => {
  const { names, isTenant } = resource
  const row = rowOf(resource)
  return lines(
    `  async get({ ${isTenant ? 'readAs, bucket' : 'db'}, input: { id }, fail }) {`,
    isTenant
      ? `    const [${row}] = await readAs((db) => find${names.pascal}(db, { id, bucket }))`
      : `    const [${row}] = await find${names.pascal}(db, { id })`,
    `    if (!${row}) ${missing(resource)}`,
    `    return ${row}`,
    '  },',
  )
}

/** The end of a transaction that wrote a row: the event, and the row as the answer. */
const told = (resource: Resource, happened: 'created' | 'updated') =>
  lines(
    `      await record(tx, { topic: '${resource.names.snake}.${happened}', target: id, payload: ${payload(resource)} })`,
    `      return ${rowOf(resource)}`,
    '    })',
    '  },',
  )

const create = (resource: Resource) => {
  const { names, isTenant, references } = resource
  const bucket = bucketOf(resource)
  return lines(
    `  async create({ transaction, record${bucket}, input${isRefused(resource) || isTenant ? ', fail' : ''} }) {`,
    isTenant && `    if (bucket === 'global') throw fail('${names.snakes}.tenant_required')`,
    '    const id = uuidv7()',
    '    return transaction(async (tx) => {',
    references.length > 0 && `      await requireTargets(tx, { ...input${bucket} }, fail)`,
    `      const inserting = insert${names.pascal}(tx, { ...input, id${bucket} })`,
    `      const ${rowOf(resource)} = onlyRow(await inserting${caught(resource)})`,
    told(resource, 'created'),
  )
}

const update = (resource: Resource) => {
  const { names, references } = resource
  const bucket = bucketOf(resource)
  return lines(
    `  async update({ transaction, record${bucket}, input: { id, ...changes }, fail }) {`,
    '    return transaction(async (tx) => {',
    `      const [before] = await hold${names.pascal}(tx, ${place(resource)})`,
    `      if (!before) ${missing(resource)}`,
    references.length > 0 && `      await requireTargets(tx, { ...changes${bucket} }, fail)`,
    `      const updating = update${names.pascal}(tx, { ...before, ...changes${bucket} })`,
    `      const ${rowOf(resource)} = onlyRow(await updating${caught(resource)})`,
    told(resource, 'updated'),
  )
}

const remove = (resource: Resource) => {
  const { names } = resource
  return lines(
    `  async delete({ transaction, record${bucketOf(resource)}, input: { id }, fail }) {`,
    '    return transaction(async (tx) => {',
    `      const deleting = delete${names.pascal}(tx, ${place(resource)})`,
    '      const [deleted] = await deleting.catch((error: unknown) => {',
    `        throw isReferred(error) ? fail('${names.snakes}.in_use') : error`,
    '      })',
    `      if (!deleted) ${missing(resource)}`,
    `      await record(tx, { topic: '${names.snake}.deleted', target: id, payload: {} })`,
    '    })',
    '  },',
  )
}

const isRefused = (resource: Resource) => uniques(resource).length > 0 || resource.references.length > 0
const payload = (resource: Resource) => (toldFields(resource).length > 0 ? rowOf(resource) : '{}')

/** Names that a handler has for something else. */
const taken = new Set(
  'before bucket call changes contract db deleted deleting error explain fail filter id input inserting record sql sort transaction tx updating'.split(
    ' ',
  ),
)
const rowOf = ({ names: { camel } }: Resource) => (taken.has(camel) ? `${camel}Row` : camel)

const list = (resource: Resource) => {
  const { names, isTenant } = resource
  const filter = [
    ...(isTenant ? ['bucket'] : []),
    ...(searched(resource).length > 0 ? ['pattern: containing(input.q)'] : []),
    ...filters(resource).map(({ name }) => `${name}: input.${name} ?? null`),
  ]
  const read = `list${names.pascals}[sort](db, { ...filter, afterValue, afterId, limit })`
  const count = `count${names.pascals}(db, filter)`
  const within = (text: string) => (isTenant ? `readAs((db) => ${text})` : text)
  return lines(
    '  async list(call) {',
    `    const { ${isTenant ? 'readAs, bucket' : 'db'}, input } = call`,
    '    const { sort } = input',
    `    const filter = { ${filter.join(', ')} }`,
    '    return paginate(call, {',
    `      name: ['${names.camels}.list', sort, JSON.stringify(filter)],`,
    "      start: ['', ''],",
    `      read: ([afterValue, afterId], limit) => ${within(read)},`,
    '      positionOf: (row) => positionIn(sort, row),',
    `      count: () => ${within(count)},`,
    '    })',
    '  },',
  )
}

const requireTargets = (resource: Resource) => {
  const { names, isTenant, references } = resource
  const types = [...new Set(references.map(({ field }) => `${field.name}?: string | null | undefined`))]
  const place = isTenant ? ', bucket' : ''
  const codes = references.map(({ field }) => `'${names.snakes}.${field.word}_not_found'`).join(' | ')
  return lines(
    `/** Throws for what the fields name and nobody here can see; those that are left out name nothing. */`,
    'const requireTargets = async (',
    '  tx: Db,',
    `  { ${references.map(({ field }) => field.name).join(', ')}${place} }: { ${types.join('; ')}${isTenant ? '; bucket: string' : ''} },`,
    `  fail: (code: ${codes}) => Failure,`,
    ') => {',
    references.map((reference) => {
      const { name, word } = reference.field
      const found = `await ${finderName(reference)}(tx, { id: ${name}${place} })`
      return `  if (${name} && (${found}).length === 0) throw fail('${names.snakes}.${word}_not_found')`
    }),
    '}',
  )
}

/** Constraints settle what two calls do at once. */
const explain = (resource: Resource) => {
  const { names, references } = resource
  const taken = uniques(resource).map((field) => [
    `isConflict(error, '${unique(resource, field)}')`,
    `${field.word}_taken`,
  ])
  const gone = references.map((reference) => [
    `isOrphaned(error, '${foreignKey(resource, reference)}')`,
    `${reference.field.word}_not_found`,
  ])
  const cases = [...taken, ...gone]
  return lines(
    '/** What a broken constraint means to the caller. */',
    `const explain = (fail: (code: ${cases.map(([, code]) => `'${names.snakes}.${code}'`).join(' | ')}) => Failure) => (error: unknown): never => {`,
    cases.map(([condition, code]) => `  if (${condition}) throw fail('${names.snakes}.${code}')`),
    '  throw error',
    '}',
  )
}
