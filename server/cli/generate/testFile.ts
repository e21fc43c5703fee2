import type { Field } from './fields.ts'
import { lines, withImports } from './imports.ts'
import { filters, type Resource, sampleOf, searched, sentence, sortable, spoken, uniques } from './resource.ts'

/** `tests/<resources>.test.ts`: what the laws do not say of it, through the real app on both adapters. */
export const testFile = (resource: Resource): string => {
  const { names } = resource
  const code = lines(
    `describe.each(adapters)('${names.many} on %s', (adapter) => {`,
    before(resource),
    '',
    making(resource),
    '',
    listing(resource),
    '',
    filtering(resource),
    changing(resource),
    '',
    deleting(resource),
    '',
    access(resource),
    '',
    client(resource),
    '})',
  )
  return withImports(code, [
    { from: 'node:crypto', names: ['randomUUID'] },
    { from: 'vitest', names: ['afterAll', 'beforeAll', 'describe', 'expect', 'it'] },
    { from: `../client-sdk/index.ts`, names: ['createClient'] },
    { from: `./scenes/${names.camels}.ts`, names: ['body'] },
    { from: './support/accounts.ts', names: ['type Account', 'password', 'register', 'registerAdmin'] },
    { from: './support/app.ts', names: ['adapters', 'startApp', 'type TestApp'] },
    { from: './support/grants.ts', names: ['grant'] },
    { from: './support/scenes.ts', names: ['Work'], isType: true },
    { from: './support/tenants.ts', names: ['found', 'joined', 'type Tenant'] },
  ])
}

const before = ({ names, isTenant }: Resource) =>
  lines(
    '  let app: TestApp',
    '  let admin: Account',
    isTenant && '  let tenant: Tenant',
    '  let work: Work',
    '',
    '  beforeAll(async () => {',
    '    app = await startApp({ adapter })',
    '    admin = await registerAdmin(app)',
    isTenant && '    tenant = await found(app, admin)',
    `    const headers = ${isTenant ? "{ 'x-tenant-id': tenant.id }" : '{}'}`,
    '    work = {',
    '      headers,',
    '      personId: admin.id,',
    '      make: async (path, body) =>',
    "        (await app.request('POST', `/api/v1${path}`, { token: admin.accessToken, headers, body })).body.data.id,",
    '    }',
    '  })',
    '  afterAll(() => app.close())',
    '',
    '  const send = (method: string, path: string, body?: unknown) =>',
    `    app.request(method, \`/api/v1/${names.kebabs}\${path}\`, { token: admin.accessToken, headers: work.headers, body })`,
    "  const create = async (fields: object = {}) => (await send('POST', '', { ...(await body(work)), ...fields })).body.data",
    '  const codeOf = (reply: { status: number; body: { error?: { code: string } } }) => [reply.status, reply.body?.error?.code]',
  )

const making = (resource: Resource) => {
  const { names, references } = resource
  return lines(
    `  it('makes one with everything in it, and gives it back', async () => {`,
    '    const sent = await body(work)',
    "    const made = await send('POST', '', sent)",
    '    expect([made.status, made.body.data]).toEqual([201, expect.objectContaining(sent)])',
    "    expect((await send('GET', `/${made.body.data.id}`)).body.data).toEqual(made.body.data)",
    `    expect(codeOf(await send('GET', \`/\${randomUUID()}\`))).toEqual([404, '${names.snakes}.not_found'])`,
    '  })',
    uniques(resource).map((field) =>
      lines(
        '',
        `  it('has each ${spoken(field)} once', async () => {`,
        '    const [first, second] = [await create(), await create()]',
        `    const again = { ${field.name}: first.${field.name} }`,
        `    const taken = [409, '${names.snakes}.${field.word}_taken']`,
        "    expect(codeOf(await send('POST', '', { ...(await body(work)), ...again }))).toEqual(taken)",
        "    expect(codeOf(await send('PATCH', `/${second.id}`, again))).toEqual(taken)",
        '  })',
      ),
    ),
    references.map(({ field }) =>
      lines(
        '',
        `  it('takes no ${spoken(field)} that is not there', async () => {`,
        `    const nobody = { ${field.name}: randomUUID() }`,
        `    const missing = [404, '${names.snakes}.${field.word}_not_found']`,
        "    expect(codeOf(await send('POST', '', { ...(await body(work)), ...nobody }))).toEqual(missing)",
        "    expect(codeOf(await send('PATCH', `/${(await create()).id}`, nobody))).toEqual(missing)",
        '  })',
      ),
    ),
  )
}

const listing = (resource: Resource) => {
  const words = ['created_at', ...sortable(resource).map(({ name }) => name)]
  return lines(
    `  it.each([${words.map((word) => `'${word}'`)}])('lists by %s from either end, a page at a time', async (sort) => {`,
    '    for (let count = 0; count < 3; count++) await create()',
    '    const walk = async (order: string) => {',
    '      const ids: string[] = []',
    "      for (let cursor: string | null = ''; cursor !== null; ) {",
    "        const page: string = cursor === '' ? '' : `&cursor=${cursor}`",
    "        const { data } = (await send('GET', `?sort=${order}&limit=2&total=true${page}`)).body",
    '        ids.push(...data.items.map(({ id }: { id: string }) => id))',
    '        expect(data.total).toBeGreaterThanOrEqual(ids.length)',
    '        cursor = data.next_cursor',
    '      }',
    '      return ids',
    '    }',
    '    const ids = await walk(sort)',
    '    expect(ids.length).toBeGreaterThanOrEqual(3)',
    '    expect(await walk(`-${sort}`)).toEqual(ids.toReversed())',
    "    expect(codeOf(await send('GET', `?sort=${sort}&cursor=nonsense`))).toEqual([400, 'cursor.invalid'])",
    '  })',
  )
}

const filtering = (resource: Resource) => {
  const searches = searched(resource).slice(0, 1)
  const values = filters(resource)
  if (searches.length + values.length === 0) return ''
  const idsOf = '.body.data.items.map(({ id }: { id: string }) => id)'
  return lines(
    "  it('lists what is asked for', async () => {",
    '    const made = await create()',
    `    const asked = async (query: string) => (await send('GET', \`?limit=200&\${query}\`))${idsOf}`,
    searches.map(({ name }) =>
      lines(
        `    expect(await asked(\`q=\${encodeURIComponent(made.${name}.toUpperCase())}\`)).toContain(made.id)`,
        `    expect(await asked(\`q=\${randomUUID()}\`)).toEqual([])`,
      ),
    ),
    values.map((field) =>
      lines(
        `    expect(await asked(\`${field.name}=\${made.${field.name}}\`)).toContain(made.id)`,
        otherValue(field) !== undefined &&
          `    expect(await asked('${field.name}=${otherValue(field)}')).not.toContain(made.id)`,
      ),
    ),
    '  })',
    '',
  )
}

/** What the sample of a test is not. */
const otherValue = ({ type, choices }: Field) => {
  if (type === 'bool') return 'false'
  if (type === 'ref') return '00000000-0000-4000-8000-000000000000'
  return choices[1]
}

const changing = (resource: Resource) => {
  const { names, fields } = resource
  const [first] = fields.filter(({ type }) => type !== 'ref' && type !== 'enum')
  const optional = fields.find(({ isOptional }) => isOptional)
  return lines(
    "  it('changes what is named and leaves the rest', async () => {",
    '    const made = await create()',
    first && `    const change = { ${first.name}: ${anotherValue(first)} }`,
    !first && '    const change = {}',
    "    const { updated_at, ...changed } = (await send('PATCH', `/${made.id}`, change)).body.data",
    '    expect({ ...changed, updated_at: made.updated_at }).toEqual({ ...made, ...change })',
    '    expect(updated_at >= made.updated_at).toBe(true)',
    optional &&
      `    expect((await send('PATCH', \`/\${made.id}\`, { ${optional.name}: null })).body.data.${optional.name}).toBeNull()`,
    `    expect(codeOf(await send('PATCH', \`/\${randomUUID()}\`, change))).toEqual([404, '${names.snakes}.not_found'])`,
    '  })',
  )
}

const anotherValue = (field: Field) => {
  const { type, isUnique } = field
  if (type === 'string') return isUnique ? 'randomUUID()' : "'Another'"
  if (type === 'email') return '`${randomUUID()}@example.org`'
  if (type === 'int' && isUnique) return '-1'
  return sampleOf(field, 1)
}

const deleting = ({ names }: Resource) =>
  lines(
    "  it('deletes one, but for one that others refer to', async () => {",
    '    const [{ id }, { id: kept }] = [await create(), await create()]',
    "    expect((await send('DELETE', `/${id}`)).status).toBe(204)",
    `    expect(codeOf(await send('DELETE', \`/\${id}\`))).toEqual([404, '${names.snakes}.not_found'])`,
    `    await app.sql('create table referring (id uuid references ${names.snakes} (id))')`,
    "    await app.sql('insert into referring values ($1)', [kept])",
    `    expect(codeOf(await send('DELETE', \`/\${kept}\`))).toEqual([409, '${names.snakes}.in_use'])`,
    "    await app.sql('drop table referring')",
    "    expect((await send('DELETE', `/${kept}`)).status).toBe(204)",
    '  })',
  )

const access = ({ names, isTenant }: Resource) => {
  const path = `/api/v1/${names.kebabs}`
  const refused = "[403, 'rbac.permission_required']"
  const place = isTenant ? ', tenant' : ''
  return lines(
    `  it('is there for those who may${isTenant ? ', in their tenant alone' : ''}', async () => {`,
    '    const { id } = await create()',
    `    const [reader, stranger] = [await ${isTenant ? 'joined(app, tenant)' : 'register(app)'}, await register(app)]`,
    `    await grant(app, reader, { permissions: ['${names.snakes}.read']${place} })`,
    '    const ask = (method: string, { accessToken: token }: Account, headers = work.headers) =>',
    `      app.request(method, \`${path}/\${id}\`, { token, headers })`,
    "    expect((await ask('GET', reader)).body.data.id).toBe(id)",
    `    expect(codeOf(await ask('DELETE', reader))).toEqual(${refused})`,
    isTenant
      ? lines(
          "    expect(codeOf(await ask('GET', stranger))).toEqual([403, 'tenant.forbidden'])",
          `    expect(codeOf(await ask('GET', reader, {}))).toEqual(${refused})`,
          "    const elsewhere = { 'x-tenant-id': (await found(app, admin)).id }",
          `    expect(codeOf(await ask('GET', admin, elsewhere))).toEqual([404, '${names.snakes}.not_found'])`,
          `    const nowhere = { token: admin.accessToken, body: await body(work) }`,
          `    expect(codeOf(await app.request('POST', '${path}', nowhere))).toEqual([400, '${names.snakes}.tenant_required'])`,
        )
      : `    expect(codeOf(await ask('GET', stranger))).toEqual(${refused})`,
    '  })',
    '',
    "  it('has its place in the navigation', async () => {",
    "    const { body } = await app.request('GET', '/api/v1/menus/mine', { token: admin.accessToken, headers: work.headers })",
    `    expect(body.data.map(({ code }: { code: string }) => code)).toContain('${names.kebabs}')`,
    '  })',
  )
}

const client = ({ names, isTenant }: Resource) =>
  lines(
    "  it('is typed in the client', async () => {",
    `    const client = createClient({ url: app.url${isTenant ? ', tenantId: tenant.id' : ''} })`,
    '    await client.auth.login({ email: admin.email, password })',
    '    const { id } = await create()',
    `    const one = await client.${names.camels}.get({ id })`,
    '    expect(one.id).toBe(id)',
    `    // @ts-expect-error: ${sentence(names.many).toLowerCase()} have no such field`,
    '    void one.no_such_field',
    '  })',
  )
