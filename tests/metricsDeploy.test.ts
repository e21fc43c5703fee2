import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type MetricRow, metricTable } from '../server/platform/metrics/table.ts'
import { register } from './support/accounts.ts'
import { startApp } from './support/app.ts'
import { namesIn } from './support/promql.ts'

const root = join(import.meta.dirname, '..')
const textOf = (file: string) => readFileSync(join(root, file), 'utf8')
const alerts = 'deploy/prometheus-alerts.yaml'
const dashboard = 'deploy/grafana-dashboard.json'

const rows = Object.entries(metricTable) as [string, MetricRow][]
/** Prometheus makes `up` and these labels itself; a histogram is three series. */
const known = new Map<string, readonly string[]>([['up', []]])
for (const [name, { kind, labels = {} }] of rows) {
  const names = kind === 'histogram' ? ['_bucket', '_sum', '_count'].map((ending) => name + ending) : [name]
  for (const one of names) known.set(one, [...Object.keys(labels), ...(one.endsWith('_bucket') ? ['le'] : [])])
}
const always = ['job', 'instance']

const problemsIn = (expression: string): string[] => {
  const { metrics, labels } = namesIn(expression)
  const carried = [...always, ...metrics.flatMap((metric) => known.get(metric) ?? [])]
  return [
    ...metrics.filter((metric) => !known.has(metric)).map((metric) => `no metric ${metric}`),
    ...labels.filter((label) => !carried.includes(label)).map((label) => `no label ${label} on ${metrics}`),
    ...(metrics.length === 0 ? [`no metric at all in ${expression}`] : []),
  ]
}

interface Panel {
  readonly targets?: readonly { readonly expr: string }[]
}

const dashboardExpressions = () =>
  (JSON.parse(textOf(dashboard)) as { panels: Panel[] }).panels.flatMap(({ targets = [] }) =>
    targets.map(({ expr }) => expr),
  )

/** One line after `expr:`, or the deeper lines under `expr: |`. */
const alertExpressions = () =>
  [...textOf(alerts).matchAll(/^( +)expr: (?:\|\n((?:\1 .*\n)+)|(.*))/gm)].map(
    ([, , block, line]) => block ?? line ?? '',
  )

/** Runs promtool; null, out loud, where there is none. */
const promtool = (args: readonly string[], input = '') => {
  const { error, status, stdout, stderr } = spawnSync('promtool', args, { cwd: root, input, encoding: 'utf8' })
  if (!error) return { status, said: stdout + stderr }
  console.warn(`skipped promtool ${args.join(' ')}: it is not installed (Debian's package prometheus has it)`)
  return null
}

describe('the metrics', () => {
  it('please promtool', async ({ skip }) => {
    const app = await startApp()
    try {
      await register(app)
      await app.request('GET', '/nowhere')
      const { text } = await app.request('GET', '/admin/metrics')
      const checked = promtool(['check', 'metrics'], text)
      if (!checked) return skip()
      expect(checked).toEqual({ status: 0, said: '' })
    } finally {
      await app.close()
    }
  })

  it('are all in a scrape, and nothing else is', async () => {
    const app = await startApp()
    try {
      const { text } = await app.request('GET', '/admin/metrics')
      const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, kind]) => [name, kind])
      expect(types.toSorted()).toEqual(rows.map(([name, { kind }]) => [name, kind]).toSorted())
    } finally {
      await app.close()
    }
  })

  it('are all in the documentation, and nothing else is', () => {
    const documented = [...textOf('docs/operations.md').matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
    expect(documented).toEqual(rows.map(([name]) => name))
  })
})

describe('dashboard and alerts', () => {
  it('alerts please promtool', ({ skip }) => {
    const checked = promtool(['check', 'rules', alerts])
    if (!checked) return skip()
    expect(checked).toEqual({ status: 0, said: expect.stringContaining('SUCCESS') })
  })

  it('tells of a duty that fails for the first time, and of duties that rest, and of nothing while they run', ({
    skip,
  }) => {
    const folder = mkdtempSync(join(tmpdir(), 'tsforge-alerts-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const series = (outcome: string, values: string) => ({
      series: `tsforge_duty_runs_total{job="tsforge",instance="a",duty="${outcome}",outcome="${outcome}"}`,
      values,
    })
    const labels = { job: 'tsforge', severity: 'warning' }
    const notes = (name: string, summary: string) => ({ summary, runbook: `docs/operations.md#${name.toLowerCase()}` })
    const expected = (alertname: string, minute: number, ...alerts: object[]) => ({
      alertname,
      eval_time: `${minute}m`,
      exp_alerts: alerts,
    })
    const failure = {
      exp_labels: { ...labels, instance: 'a', duty: 'failed', outcome: 'failed' },
      exp_annotations: notes('TsforgeDutiesFail', 'failed has failed in the last hour'),
    }
    const rest = {
      exp_labels: labels,
      exp_annotations: notes('TsforgeDutiesRest', 'no instance has run a duty in the last hour'),
    }
    const test = {
      interval: '1m',
      // The one runs twice in an hour, the other fails once; then neither runs.
      input_series: [series('done', '1+0x30 2+0x29 3+0x300'), series('failed', '_x50 1+0x300')],
      alert_rule_test: [
        expected('TsforgeDutiesFail', 40),
        expected('TsforgeDutiesFail', 60, failure),
        expected('TsforgeDutiesFail', 180),
        expected('TsforgeDutiesRest', 60),
        expected('TsforgeDutiesRest', 180, rest),
      ],
    }
    const file = join(folder, 'test.yaml')
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ rule_files: [join(root, alerts)], evaluation_interval: '1m', tests: [test] }))
    const checked = promtool(['test', 'rules', file])
    if (!checked) return skip()
    expect(checked).toEqual({ status: 0, said: expect.stringContaining('SUCCESS') })
  })

  it('every alert is explained', () => {
    const names = [...textOf(alerts).matchAll(/alert: (\w+)/g)].map(([, name]) => name)
    const explained = [...textOf('docs/operations.md').matchAll(/^#+ (Tsforge\w+)/gm)].map(([, name]) => name)
    expect(names.length).toBe(alertExpressions().length)
    expect(explained).toEqual(names)
  })

  it.each([
    ['dashboard', dashboardExpressions],
    ['alerts', alertExpressions],
  ])('the %s name metrics and labels that there are', (_name, expressions) => {
    expect(expressions().length).toBeGreaterThan(5)
    expect(expressions().flatMap(problemsIn)).toEqual([])
  })

  it('a name that is wrong is found', () => {
    expect(problemsIn('sum by (route) (rate(http_requests_total{status="500"}[5m]))')).toEqual([
      'no metric http_requests_total',
      'no label status on http_requests_total',
      'no label route on http_requests_total',
    ])
    expect(problemsIn('sum(process_cpu_seconds_total{pool="x"})')).toEqual([
      'no label pool on process_cpu_seconds_total',
    ])
  })
})
