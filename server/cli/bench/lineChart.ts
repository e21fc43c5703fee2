import { picture, words } from './svg.ts'

const plot = { left: 60, top: 40, width: 430, height: 240 }
const legend = { left: plot.left + plot.width + 40, width: 250, rowHeight: 22 }
const bottom = plot.top + plot.height
const chartHeight = bottom + 40

export interface Line {
  readonly label: string
  readonly colour: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface LineChart {
  readonly title: string
  readonly lines: readonly Line[]
  /** What stands below the plot, from its left edge to its right one. */
  readonly marks: readonly (readonly [x: number, said: string])[]
}

/** Lines from nought up, one chart below the other, as an SVG. */
export const lineCharts = (title: string, charts: readonly LineChart[]): string => {
  const parts = charts.flatMap((chart, at) => [
    `<g transform="translate(0 ${at * chartHeight})">`,
    ...lineChart(chart),
    '</g>',
  ])
  return picture({ title, width: legend.left + legend.width, height: charts.length * chartHeight, parts })
}

const lineChart = ({ title, lines, marks }: LineChart): string[] => {
  const [first, last] = [marks[0]?.[0] ?? 0, marks.at(-1)?.[0] ?? 0]
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y)), 1)
  const xOf = (x: number) => tenth(plot.left + (plot.width * (x - first)) / (last - first || 1))
  const yOf = (y: number) => tenth(bottom - (plot.height * y) / most)
  return [
    words(title, { x: 8, y: 24, weight: 'bold' }),
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((part) => gridLine(yOf(most * part), most * part)),
    ...marks.map(([x, said]) => words(said, { x: xOf(x), y: bottom + 20, anchor: 'middle' })),
    ...lines.map(({ colour, points }) => {
      const at = points.map(([x, y]) => `${xOf(x)},${yOf(y)}`).join(' ')
      return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${at}"/>`
    }),
    ...lines.flatMap(legendRow),
  ]
}

const tenth = (value: number): number => Math.round(value * 10) / 10

const gridLine = (y: number, value: number): string[] => [
  `<path d="M${plot.left} ${y}h${plot.width}" stroke="#dde2e8"/>`,
  words(value.toFixed(0), { x: plot.left - 8, y: y + 4, anchor: 'end' }),
]

/** Each line is named beside the plot, since lines may lie upon each other. */
const legendRow = ({ label, colour }: Line, index: number): string[] => {
  const y = plot.top + 16 + index * legend.rowHeight
  return [
    `<path d="M${legend.left} ${y - 4}h20" stroke="${colour}" stroke-width="2"/>`,
    words(label, { x: legend.left + 28, y }),
  ]
}
