import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Recorder } from '../platform/tracing/recorder.ts'
import { refuse } from '../rpc/failure.ts'
import { createShown } from './dev/shown.ts'
import type { Answer, HeaderMap } from './exchange.ts'
import { isLocal, isOwnOrigin } from './local.ts'
import type { Route, Visit } from './route.ts'

export interface DevParts {
  readonly recorder: Pick<Recorder, 'recent'>
  /** Events, flags, modules, duties and consumers, as they are now. */
  readonly state: () => Promise<object>
  /** Where the files of the page are. */
  readonly folder: string
}

/** Each is a route of its own, so no part of a client's path ever reaches the disk. */
const files = {
  'index.html': 'text/html',
  'style.css': 'text/css',
  'page.js': 'text/javascript',
  'element.js': 'text/javascript',
  'requests.js': 'text/javascript',
  'detail.js': 'text/javascript',
  'state.js': 'text/javascript',
} as const

type File = keyof typeof files

const pageHeaders: HeaderMap = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'none'",
  ].join('; '),
  'cache-control': 'no-store',
}

/**
 * The page of a server in development: its last requests and what they did. For the same machine alone, and whoever
 * builds the app leaves it out anywhere else.
 */
export const devRoutes = ({ recorder, state, folder }: DevParts): Route[] => {
  const shown = createShown(recorder.recent)
  const file = async (name: File): Promise<Answer> => {
    // Read each time: whoever works on the page sees it. A bundle that was moved away from its sources has none.
    const body = await readFile(path.join(folder, name)).catch((cause: unknown) =>
      Promise.reject(refuse('route.not_found', { cause })),
    )
    return { status: 200, headers: { ...pageHeaders, 'content-type': `${files[name]}; charset=utf-8` }, body }
  }
  const names = Object.keys(files) as File[]
  return [
    local('/dev', () => file('index.html')),
    ...names.filter((name) => name !== 'index.html').map((name) => local(`/dev/${name}`, () => file(name))),
    local('/dev/data/requests', async () => json(shown.list())),
    local('/dev/data/requests/{key}', async ({ params: [key = ''] }) => {
      const found = shown.one(key)
      if (!found) throw refuse('route.not_found')
      return json(found)
    }),
    local('/dev/data/state', async () => json(await state())),
  ]
}

const local = (path: string, answer: (visit: Visit) => Promise<Answer>): Route => ({
  method: 'GET',
  path,
  isSystem: true,
  serve(visit) {
    if (!isLocal(visit.exchange) || !isOwnOrigin(visit.exchange)) throw refuse('admin.forbidden')
    return answer(visit)
  },
})

const json = (value: object): Answer => ({
  status: 200,
  headers: { ...pageHeaders, 'content-type': 'application/json' },
  body: JSON.stringify(value),
})
