import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** A span as it comes over OTLP/HTTP, with its attributes as one object. */
export interface Received {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly traceState: string | undefined
  readonly name: string
  /** SpanKind of OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number
  readonly status: { readonly code: number }
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
}

interface Pair {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

const objectOf = (pairs: readonly Pair[] = []) =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]))

/** Takes spans as any collector does, and keeps them. `answer` says what to do with a batch. */
export const startCollector = async (answer: 'take' | 'refuse' | 'stall' = 'take') => {
  const spans: Received[] = []
  const texts: string[] = []
  const requests: { readonly url: string | undefined; readonly headers: IncomingHttpHeaders }[] = []
  const resources: Record<string, unknown>[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    requests.push({ url: request.url, headers: request.headers })
    if (answer === 'stall') return
    if (answer === 'refuse') return void response.writeHead(400).end()
    const sent = Buffer.concat(chunks)
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString()
    texts.push(text)
    for (const { resource, scopeSpans } of JSON.parse(text).resourceSpans) {
      resources.push(objectOf(resource.attributes))
      for (const scope of scopeSpans)
        for (const span of scope.spans) spans.push({ ...span, attributes: objectOf(span.attributes) })
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: spans as readonly Received[],
    /** Everything that came, as it was sent. */
    texts: texts as readonly string[],
    requests: requests as readonly { readonly url: string | undefined; readonly headers: IncomingHttpHeaders }[],
    resources: resources as readonly Record<string, unknown>[],
    /** The first span that fits; waits for it to come. */
    async span(fits: (span: Received) => boolean): Promise<Received> {
      for (;;) {
        const found = spans.find(fits)
        if (found) return found
        await new Promise(setImmediate)
      }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type Collector = Awaited<ReturnType<typeof startCollector>>
