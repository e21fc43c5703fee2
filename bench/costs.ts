import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { table } from '../server/cli/bench/table.ts'
import { checkSame } from './check.ts'
import { costsAlone } from './costsAlone.ts'
import { compare, median, type Outcome } from './rounds.ts'
import { meLoad, own, type Stage } from './scenarios.ts'
import type { OwnOptions, Server } from './servers.ts'
import { buildWithoutMetrics } from './withoutMetrics.ts'

/** Many short rounds: what else the machine does then meets all servers alike. */
const length = { rounds: 5, seconds: 1, warmUpSeconds: 3 }
/** Servers are started anew this often: each process compiles its code a little differently, and keeps to that. */
const generations = 3

const names = {
  all: 'as it comes',
  again: 'the same once more',
  noLimits: 'without limits',
  noMetrics: 'without metrics',
  neither: 'without both',
  noLines: 'without a line for each request',
  oneTraced: 'with one request of a hundred traced',
  allTraced: 'with every request traced',
} as const

type Variant = Pick<OwnOptions, 'environment' | 'program'>

/** What each thing costs that every request passes through, beside the others and alone, as Markdown. */
export const costTables = async (stage: Stage): Promise<string> =>
  `${costTable(await measureCosts(stage))}\n\n${await costsAlone()}`

/** CPU of `/auth/me` with and without each thing, in one run. */
const measureCosts = async (stage: Stage): Promise<readonly Outcome[]> => {
  const program = await buildWithoutMetrics()
  const collector = await startCollector()
  stage.atEnd(collector.close)
  const noLimits = { RATE_LIMIT_PER_MINUTE: '0' }
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
  const variants: Record<keyof typeof names, Variant> = {
    all: {},
    again: {},
    noLimits: { environment: noLimits },
    noMetrics: { program },
    neither: { environment: noLimits, program },
    noLines: { environment: { LOG_LEVEL: 'warn' } },
    oneTraced: { environment: { ...traced, OTEL_TRACES_SAMPLER_ARG: '0.01' } },
    allTraced: { environment: traced },
  }
  const outcomes: Outcome[] = []
  while (outcomes.length < generations) outcomes.push(await measureOnce(stage, variants))
  if (collector.batches() === 0) throw new Error('the collector was sent nothing')
  return outcomes
}

const measureOnce = async (stage: Stage, variants: Record<keyof typeof names, Variant>): Promise<Outcome> => {
  const servers: Server[] = []
  for (const [key, variant] of Object.entries(variants))
    servers.push(await own(stage, names[key as keyof typeof names], variant))
  const load = meLoad(stage)
  try {
    await checkSame(load, servers)
    await Promise.all(servers.map(checkMetrics))
    return await compare(load, servers, length)
  } finally {
    for (const server of servers) await server.stop()
  }
}

/** Takes spans and forgets them. */
const startCollector = async () => {
  let batches = 0
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      batches += 1
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    batches: () => batches,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const checkMetrics = async ({ name, url }: Server): Promise<void> => {
  const text = await (await fetch(`${url}/admin/metrics`)).text()
  const hasNone = name === names.noMetrics || name === names.neither
  if (text.includes('http_server_request_duration_seconds') === hasNone)
    throw new Error(`${name} does not have the metrics that it should`)
}

/** What each thing costs: the median of the generations, and in brackets the least and the most of them. */
const costTable = (outcomes: readonly Outcome[]): string => {
  const rowsOf = (wanted: string) => outcomes.flatMap(({ rows }) => rows.filter(({ name }) => name === wanted))
  const shareOf = (one: string, other: string) => {
    const shares = rowsOf(one).map(({ cpuRatios }) => ((cpuRatios[other] ?? Number.NaN) - 1) * 100)
    const [least, most] = [Math.min(...shares), Math.max(...shares)]
    return `${signed(median(shares))} % (${signed(least)} to ${signed(most)})`
  }
  const cpuOf = (name: string) => median(rowsOf(name).map(({ serverCpu }) => serverCpu)).toFixed(1)
  return [
    table(
      ['`GET /api/v1/auth/me`, 128 connections', 'CPU us a request', `against ${names.all}`],
      Object.values(names).map((name) => [name, cpuOf(name), name === names.all ? '' : shareOf(name, names.all)]),
    ),
    `What limits and metrics together add to a server without both: ${shareOf(names.all, names.neither)}; wanted: less than 10 %.`,
  ].join('\n\n')
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`
