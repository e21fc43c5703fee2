import { EventSource } from 'eventsource'
import { createParser } from 'eventsource-parser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSseParser } from '../client-sdk/sse.ts'
import { type Account, registerAdmin } from './support/accounts.ts'
import { adapters, startApp, type TestApp } from './support/app.ts'
import { hasBrowser, launchBrowser, servePage } from './support/browser.ts'

/** An event as a browser's EventSource hands it out. */
interface Message {
  readonly type: string
  readonly data: string
  readonly lastEventId: string
}

const types = ['menu.created', 'menu.deleted', 'gap', 'message']

/** Takes so many events with an EventSource; sent to the browser as it stands, so it names nothing from outside. */
const listen = ({ url, count, names }: { url: string; count: number; names: readonly string[] }) =>
  new Promise<Message[]>((resolve) => {
    const source = new globalThis.EventSource(url)
    const seen: Message[] = []
    const note = ({ type, data, lastEventId }: Message) => {
      seen.push({ type, data, lastEventId })
      if (seen.length < count) return
      source.close()
      resolve(seen)
    }
    for (const name of names) source.addEventListener(name, note as never)
  })

/** The bytes of so many events, in the pieces they came in. */
const receive = async (url: string, count: number): Promise<Uint8Array[]> => {
  const controller = new AbortController()
  const response = await fetch(url, { signal: controller.signal })
  const pieces: Uint8Array[] = []
  for await (const piece of response.body ?? []) {
    pieces.push(piece)
    const text = Buffer.concat(pieces).toString()
    if (text.split('\ndata: ').length > count && text.endsWith('\n\n')) break
  }
  controller.abort()
  return pieces
}

const readers: Record<string, (url: string, count: number) => Promise<Message[]>> = {
  async 'the parser of the client'(url, count) {
    const parser = createSseParser()
    const events = (await receive(url, count)).flatMap(parser.read)
    return events.map(({ type, data, id }) => ({ type, data, lastEventId: id }))
  },
  async 'eventsource-parser'(url, count) {
    const seen: Message[] = []
    const parser = createParser({
      onEvent: ({ event, data, id }) => void seen.push({ type: event ?? 'message', data, lastEventId: id ?? '' }),
    })
    parser.feed(Buffer.concat(await receive(url, count)).toString())
    return seen
  },
  async eventsource(url, count) {
    globalThis.EventSource = EventSource as never
    return listen({ url, count, names: types })
  },
  async 'the EventSource of Chromium'(url, count) {
    const page = await servePage('')
    const browser = await launchBrowser()
    try {
      const tab = await browser.newPage()
      await tab.goto(page.origin)
      return await tab.evaluate(listen, { url, count, names: types })
    } finally {
      await browser.close()
      page.close()
    }
  },
}

describe.each(adapters)('a stream over %s', (adapter) => {
  let app: TestApp
  let admin: Account
  let start: string
  const labels = ['plain', 'ä \u2028 🎈', '"quoted" : \\n', 'data: x']

  beforeAll(async () => {
    app = await startApp({ adapter, environment: { CORS_ORIGINS: '*' } })
    admin = await registerAdmin(app)
    for (const [index, label] of labels.entries()) {
      const body = { code: `c${index}`, label }
      const { status } = await app.request('POST', '/api/v1/menus', { token: admin.accessToken, body })
      expect(status).toBe(201)
    }
    await app.caughtUp()
    const [log] = await app.sql('select epoch from event_log')
    start = `${log?.epoch}.0`
  })
  afterAll(() => app.close())

  const urlFrom = async (place: string) => {
    const { body } = await app.request('POST', '/api/v1/stream/ticket', { token: admin.accessToken })
    return `${app.url}/api/v1/stream?topics=menu.created&ticket=${body.data.ticket}&last_event_id=${place}`
  }

  for (const [name, read] of Object.entries(readers)) {
    const test = name.includes('Chromium') && !hasBrowser ? it.skip : it
    test(`is read by ${name} as it was told`, { timeout: 60_000 }, async () => {
      const count = labels.length
      const messages = await read(await urlFrom(start), count)
      const events = messages.map(({ data }) => JSON.parse(data))
      expect(events.map(({ payload }) => payload.label)).toEqual(labels)
      expect(messages.map(({ type }) => type)).toEqual(Array(count).fill('menu.created'))
      expect(messages.map(({ lastEventId }) => lastEventId)).toEqual(events.map(({ id }) => id))
      const [gap] = await read(await urlFrom('ffffffff.9'), 1)
      expect(gap).toMatchObject({ type: 'gap', lastEventId: JSON.parse(gap?.data ?? '').to })
    })
  }
})
