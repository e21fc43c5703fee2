import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRouter, type Route } from '../server/http/router.ts'

const route = (method: string, path: string): Route<string> => ({ method, path, value: `${method} ${path}` })
const routerOf = (...routes: string[]) =>
  createRouter(routes.map((line) => route(line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1))))

describe('matching', () => {
  const router = routerOf(
    'GET /',
    'GET /menus',
    'POST /menus',
    'GET /menus/mine',
    'GET /menus/{id}',
    'PATCH /menus/{id}',
    'GET /menus/{id}/items/{item}',
    'GET /menus/mine/{page}',
    'HEAD /probe',
    'GET /probe',
  )

  test.each([
    ['GET', '/', 'GET /', []],
    ['GET', '/menus', 'GET /menus', []],
    ['POST', '/menus', 'POST /menus', []],
    ['GET', '/menus/mine', 'GET /menus/mine', []],
    ['GET', '/menus/7', 'GET /menus/{id}', ['7']],
    ['GET', '/menus/a%2Fb', 'GET /menus/{id}', ['a%2Fb']],
    ['GET', '/menus/{id}', 'GET /menus/{id}', ['{id}']],
    ['PATCH', '/menus/mine', 'PATCH /menus/{id}', ['mine']],
    ['GET', '/menus/7/items/8', 'GET /menus/{id}/items/{item}', ['7', '8']],
    ['GET', '/menus/mine/2', 'GET /menus/mine/{page}', ['2']],
    ['GET', '/menus/mine/items/8', 'GET /menus/{id}/items/{item}', ['mine', '8']],
    ['HEAD', '/menus/7', 'GET /menus/{id}', ['7']],
    ['HEAD', '/probe', 'HEAD /probe', []],
  ])('%s %s', (method, path, value, params) => {
    expect(router.match(method, path)).toEqual({ value, params })
  })

  test.each([
    '',
    'menus',
    '/Menus',
    '/menus/',
    '//menus',
    '/menus//',
    '/menus/7/',
    '/menus/.',
    '/menus/..',
    '/menus/7/items',
    '/x',
  ])('%j is nobody’s', (path) => {
    expect(router.match('GET', path)).toBeNull()
  })

  test.each([
    ['/menus', ['GET', 'HEAD', 'OPTIONS', 'POST']],
    ['/menus/7', ['GET', 'HEAD', 'OPTIONS', 'PATCH']],
    ['/menus/mine', ['GET', 'HEAD', 'OPTIONS', 'PATCH']],
    ['/menus/7/items/8', ['GET', 'HEAD', 'OPTIONS']],
  ])('another method on %s', (path, allow) => {
    expect(router.match('DELETE', path)).toEqual({ allow })
  })

  test('undefined is a value like any other', () => {
    const found = createRouter([{ method: 'GET', path: '/', value: undefined }]).match('GET', '/')
    expect(found).toEqual({ value: undefined, params: [] })
  })
})

describe('mistakes in the table are told at boot', () => {
  test.each([
    [['GET /a', 'GET /a'], 'Two routes serve GET /a.'],
    [['GET /a/{id}', 'GET /a/{id}'], 'Two routes serve GET /a/{id}.'],
    [['GET /a/{id}', 'PUT /a/{name}'], '/a/{name} names a parameter {name} where another route has {id}: choose one.'],
    [['GET /a/{id}/{id}'], '/a/{id}/{id} names one parameter twice.'],
    [['GET /a/x{id}'], '/a/x{id}: x{id} is not a whole segment in braces.'],
    [['GET /a/{}'], '/a/{}: {} is not a whole segment in braces.'],
    [['GET a'], 'The route "a" does not begin with \'/\'.'],
  ])('%j', (routes, sentence) => {
    expect(() => routerOf(...routes)).toThrow(sentence)
  })
})

/** What matching means, said in the plainest way: the fitting routes, the most literal one first. */
function plainMatch(routes: readonly Route<string>[], method: string, path: string) {
  const asked = path.split('/')
  const fitting = routes.filter((candidate) => {
    const own = candidate.path.split('/')
    return (
      own.length === asked.length && own.every((part, at) => part === asked[at] || (part === '{p}' && asked[at] !== ''))
    )
  })
  const serving = fitting.filter((candidate) => candidate.method === method)
  const [best] = (
    serving.length > 0 || method !== 'HEAD' ? serving : fitting.filter(({ method: own }) => own === 'GET')
  ).sort((one, other) => (one.path.replaceAll('{p}', '~') < other.path.replaceAll('{p}', '~') ? -1 : 1))
  if (best) return { value: best.value, params: asked.filter((_, at) => best.path.split('/')[at] === '{p}') }
  return fitting.length > 0 ? 'other methods' : null
}

test('any table is matched as its routes say', () => {
  const segments = (...names: string[]) => fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 })
  const tables = fc.uniqueArray(fc.tuple(fc.constantFrom('GET', 'PUT'), segments('a', 'b', 'c', '{p}')), {
    selector: ([method, parts]) => `${method} /${parts.join('/')}`,
    maxLength: 12,
  })
  const asks = fc.tuple(fc.constantFrom('GET', 'PUT', 'HEAD'), segments('a', 'b', 'c', 'd', ''))
  const isOneParameter = ([, parts]: [string, string[]]) => parts.filter((part) => part === '{p}').length < 2
  fc.assert(
    fc.property(tables, fc.array(asks, { minLength: 20, maxLength: 20 }), (table, questions) => {
      const routes = table.filter(isOneParameter).map(([method, parts]) => route(method, `/${parts.join('/')}`))
      const router = createRouter(routes)
      for (const [method, parts] of questions) {
        const path = `/${parts.join('/')}`
        const found = router.match(method, path)
        const plain = found && 'allow' in found ? 'other methods' : found
        expect(plain).toEqual(plainMatch(routes, method, path))
      }
    }),
    { seed: 7, numRuns: 300 },
  )
})
