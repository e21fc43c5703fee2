import { describe, expect, it, vi } from 'vitest'
import { parseFields } from '../server/cli/generate/fields.ts'
import { withImports } from '../server/cli/generate/imports.ts'
import { namesOf } from '../server/cli/generate/names.ts'
import { treeOf } from '../server/cli/project/changesTree.ts'
import { joinContract, joinServer, leaveContract, leaveServer, listedIn } from '../server/cli/project/moduleLists.ts'
import { forge } from './support/forge.ts'

/** What generators refuse, and how they name: what they write is tried in a copy of the project. */
describe('names', () => {
  it.each([
    ['invoice', 'invoice', 'invoices', 'invoices'],
    ['Invoices', 'invoice', 'invoices', 'invoices'],
    ['order-line', 'orderLine', 'orderLines', 'order-lines'],
    ['orderLine', 'orderLine', 'orderLines', 'order-lines'],
    ['order_lines', 'orderLine', 'orderLines', 'order-lines'],
    ['APIClient', 'apiClient', 'apiClients', 'api-clients'],
    ['company', 'company', 'companies', 'companies'],
    ['person', 'person', 'people', 'people'],
    ['x', 'x', 'xes', 'xes'],
    ['box2', 'box2', 'box2s', 'box2s'],
  ])('%s is one %s of many %s at /%s', (typed, camel, camels, kebabs) => {
    const names = namesOf(typed)
    expect([names.camel, names.camels, names.kebabs]).toEqual([camel, camels, kebabs])
  })

  it('takes a plural that the rules of English do not tell', () => {
    expect(namesOf('specimen', 'specimens')).toMatchObject({ camel: 'specimen', camels: 'specimens' })
    expect(namesOf('news', 'news-items').camels).toBe('newsItems')
  })

  it('has a plural for every letter', () => {
    for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
      const { camel, camels } = namesOf(letter)
      expect([camel.length > 0, camel !== camels], letter).toEqual([true, true])
    }
  })
})

describe('what is refused', () => {
  const gen = (...args: string[]) => forge(['gen', 'resource', ...args, '--dry-run'], {})
  const long = 'an-extraordinarily-long-name-of-a-resource-with-sixty-lettr'

  it.each([
    ['größe', ['a:string'], 'letters a to z'],
    ['1st', ['a:string'], 'beginning with a letter'],
    ['../x', ['a:string'], 'is not a name'],
    ['class', ['a:string'], 'is a word of TypeScript'],
    ['word', ['a:string'], 'is what every module calls something else'],
    ['error', ['a:string'], 'the file contract/errors.ts is there already'],
    ['news', ['a:string'], 'has no plural of its own: say it by --plural'],
    ['user', ['a:string'], 'the module users is there already'],
    ['menu', ['a:string'], 'the module menus is there already'],
    ['member', ['a:string'], 'the table members is there already'],
    ['auth-me', ['a:string', '--plural', 'auth'], 'the module auth is there already'],
    ['email', ['a:string'], 'the schema Email is there already'],
    [long, ['a:string'], 'PostgreSQL takes 63 characters: shorten'],
    ['zebra', [], "missing required argument 'fields'"],
    ['zebra', ['a'], 'a is not a field: say name:type'],
    ['zebra', ['a:colour'], 'has no type that is known: take one of string, text'],
    ['zebra', ['id:string'], 'every resource or list has already'],
    ['zebra', ['total:int'], 'every resource or list has already'],
    ['zebra', ['a:string', 'A:int'], 'a is there twice'],
    ['zebra', ['pin:string'], 'sounds like a secret'],
    ['zebra', ['größe:int'], 'needs a name of letters a to z'],
    ['zebra', ['a:text:unique'], 'is text, which cannot be unique'],
    ['zebra', ['a:string:index'], 'only unique can be said'],
    ['zebra', ['a:string(7)'], 'takes nothing in parentheses'],
    ['zebra', ['a:enum'], 'needs its values in parentheses'],
    ['zebra', ['a:enum(b,b)'], 'has a value twice'],
    ['zebra', ['a:enum(B,c d)'], 'of lower-case letters'],
    ['zebra', ['a:ref'], 'says not what it refers to'],
    ['zebra', ['a:ref(unicorns)'], 'cannot refer to unicorns: to users, or'],
    ['zebra', ['zebra:ref(users)'], 'a reference called zebra is there already'],
  ])('%s %j: %s', async (name, fields, said) => {
    const { code, out, err } = await gen(name, ...fields)
    expect([code, out, err]).toEqual([2, '', expect.stringContaining(said)])
  })

  it('the name of a pack that is listed: its files lie elsewhere, and --force would write none of them anew', async () => {
    vi.resetModules()
    vi.doMock('../contract/modules.ts', () => ({ modules: { zebras: { entries: {} } } }))
    const { refuseModuleClashes } = await import('../server/cli/generate/clashes.ts')
    vi.doUnmock('../contract/modules.ts')
    expect(() => refuseModuleClashes({ camel: 'zebras', snake: 'zebras' })).toThrow(
      'the module zebras is there already',
    )
  })

  it('everything that is wrong with the fields is said at once', () => {
    expect(() => parseFields(['id:string', 'b', 'c:enum'])).toThrow(/id:string .*; b is .*; c:enum needs/)
  })
})

describe('the plan', () => {
  it('names every file and writes none', async () => {
    const fields = ['name:string', 'keeper:ref(users)?', 'born:date']
    const { code, out } = await forge(['scaffold', 'zebra-crossing', ...fields, '--tenant', '--dry-run', '--json'], {})
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      created: [
        'contract/zebraCrossings.ts',
        'db/schema/zebraCrossings.ts',
        'server/features/zebraCrossings/module.ts',
        'server/features/zebraCrossings/procedures.ts',
        'server/features/zebraCrossings/queries.ts',
        'tests/zebraCrossings.test.ts',
        'tests/scenes/zebraCrossings.ts',
        expect.stringMatching(/^db\/migrations\/\d{4}_zebra_crossings\.sql$/),
      ],
      changed: expect.arrayContaining(['contract/modules.ts', 'server/modules.ts', 'db/schema/index.ts']),
    })
    const again = await forge(['gen', 'resource', 'zebra-crossing', ...fields, '--dry-run'], {})
    expect(again.out).toContain('Nothing was written')
  })

  it('is shown as a tree', () => {
    const changes = { created: ['a/b/c.ts', 'a/b/d.ts', 'e/f.ts'], changed: ['a/g.ts'] }
    expect(treeOf(changes).split('\n')).toEqual([
      '  a/',
      '    b/',
      '+     c.ts',
      '+     d.ts',
      '~   g.ts',
      '  e/',
      '+   f.ts',
    ])
  })

  it('a module is named as it was typed', async () => {
    const { code, out } = await forge(['gen', 'module', 'zebra-care', '--dry-run', '--json'], {})
    expect([code, JSON.parse(out).created[0]]).toEqual([0, 'contract/zebraCare.ts'])
    const taken = await forge(['gen', 'module', 'menus', '--dry-run'], {})
    expect([taken.code, taken.err]).toEqual([2, expect.stringContaining('the module menus is there already')])
  })
})

describe('the lists of modules', () => {
  const contract = "import type { A } from './define.ts'\n\nexport const modules = {} satisfies Readonly<A>\n"
  const server =
    "import { contract } from '../contract/index.ts'\nimport { flags } from './features/flags/module.ts'\nimport { listModules } from './rpc/modules.ts'\n\nexport const modules = listModules(contract)(\n  flags,\n)\n"
  const join = { name: 'zebras', from: './features/zebras/module.ts' }

  it('are joined and left without a trace', () => {
    const joined = joinContract(contract, { name: 'zebras', from: './zebras.ts' })
    expect(listedIn(joined)).toEqual(['zebras'])
    expect(leaveContract(joined, 'zebras')).toBe(contract)
    const served = joinServer(server, join)
    expect(served.split('\n')).toContain('  zebras,')
    expect(served.indexOf('zebras/module.ts')).toBeLessThan(served.indexOf('./rpc/modules.ts'))
    expect(leaveServer(served, 'zebras')).toBe(server)
  })

  it('are not touched where they are not as they came', () => {
    expect(() => joinServer('export const modules = []', join)).toThrow(/list the module there by hand/)
  })
})

it('imports what the code uses, and not what stands in texts, keys and comments', () => {
  const code = "/** page */\nconst a = { label: z.string(), ...rest, text: 'Day' }\nconst b = sql`or $" + '{and(c)}`'
  const origins = [
    { from: 'zod', names: ['z'] },
    { from: './x.ts', names: ['page', 'label', 'rest', 'Day', 'or', 'and'] },
  ]
  expect(withImports(code, origins).split('\n').slice(0, 2)).toEqual([
    "import { z } from 'zod'",
    "import { rest, and } from './x.ts'",
  ])
})
