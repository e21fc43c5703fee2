import { lineCharts } from '../server/cli/bench/lineChart.ts'
import { costOf, type Growth, sizesOf } from './growth.ts'

const colours = ['#2f6fde', '#b5532c', '#3f7d3d', '#8f5fb0', '#a07800', '#444444']

/** CPU of server and database against the rows of the tables, which stand on a logarithmic scale, as an SVG. */
export const growthChartOf = (growth: readonly Growth[]): string =>
  lineCharts('CPU of requests and of one event while the tables grow', [
    {
      title: 'Microseconds of CPU, of server and PostgreSQL together',
      marks: sizesOf(growth).map((rows) => [Math.log(rows), `${rows.toLocaleString('en')} rows`]),
      lines: growth.map(({ what, sizes }, index) => ({
        label: what,
        colour: colours[index % colours.length] ?? '',
        points: sizes.map((size) => [Math.log(size.rows), costOf(size)]),
      })),
    },
  ])
