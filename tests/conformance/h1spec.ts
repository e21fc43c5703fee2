import { execFile } from 'node:child_process'
import { chooseAdapter } from '../../server/http/adapter.ts'
import type { Exchange } from '../../server/http/exchange.ts'

/**
 * Runs the public h1spec suite against both adapters: `npx tsx tests/conformance/h1spec.ts http_test.ts`, where the file
 * is that of https://github.com/uNetworking/h1spec, which is not part of this project. Exits with 1 when other cases
 * fail than those that docs/http.md names.
 */
const suite = process.argv[2]
if (suite === undefined) throw new Error('Give the path of http_test.ts from https://github.com/uNetworking/h1spec.')

/** The addon takes a version that has not arrived whole for another version, and waits where a header breaks off. */
const known: Readonly<Record<string, readonly string[]>> = {
  uws: [
    'Fragmented URL 1',
    'Fragmented URL 3',
    'Fragmented HTTP version',
    'Fragmented request line',
    'Fragmented request line newline 1',
    'Invalid header characters',
    'Header containing invalid control character',
    'Invalid line ending',
  ],
  node: [],
}

const text = { 'content-type': 'text/plain' }

/** What the suite asks of its server: every body comes back, whatever the method. */
const echo = async (exchange: Exchange) => {
  if (exchange.defect) return exchange.send({ status: 400, headers: text, body: exchange.defect })
  const body = await exchange.readBody()
  exchange.send({ status: 200, headers: text, body })
}

const run = (port: number) =>
  new Promise<string>((resolve) => {
    const args = ['--yes', 'deno@2', 'run', '--no-check', '--allow-net=127.0.0.1', suite, '127.0.0.1', String(port)]
    execFile('npx', args, { timeout: 120_000 }, (_failed, output, errors) => resolve(output + errors))
  })

const { name: best } = await chooseAdapter('auto')
for (const adapter of new Set([best, 'node'] as const)) {
  const { create } = await chooseAdapter(adapter)
  const handle = (exchange: Exchange) => void echo(exchange).catch(() => {})
  const server = create({ bodyLimitBytes: 65_536, bodyIdleMs: 2_000, handle })
  const said = await run(await server.listen({ host: '127.0.0.1', port: 0, exclusive: true }))
  server.close()
  const passed = [...said.matchAll(/✅ ([^:]+):/g)].map(([, name = '']) => name)
  const failed = [...said.matchAll(/❌ ([^:]+):/g)].map(([, name = '']) => name)
  console.log(`${adapter}: ${passed.length} of ${passed.length + failed.length}`)
  const isAsKnown = passed.length > 0 && failed.toSorted().join() === known[adapter]?.toSorted().join()
  if (isAsKnown) continue
  console.error(passed.length === 0 ? said : `not as documented, failing: ${failed.join(', ') || 'none'}`)
  process.exitCode = 1
}
