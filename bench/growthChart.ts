import { costOf, type Growth, sizesOf } from './growth.ts'

const plot = { left: 60, top: 40, width: 430, height: 260, gap: 40, legend: 250 }
const bottom = plot.top + plot.height
const colours = ['#2f6fde', '#b5532c', '#3f7d3d', '#8f5fb0', '#a07800', '#444444']

/** CPU of server and database against the rows of the tables, which stand on a logarithmic scale, as an SVG. */
export const growthChartOf = (growth: readonly Growth[]): string => {
  const rowsAt = sizesOf(growth)
  const [first = 1, last = 10] = [rowsAt[0], rowsAt.at(-1)]
  const most = Math.max(...growth.flatMap(({ sizes }) => sizes.map(costOf))) * 1.05
  const xOf = (rows: number) => plot.left + (plot.width * Math.log(rows / first)) / Math.log(last / first)
  const yOf = (cost: number) => plot.top + plot.height * (1 - cost / most)
  const parts = growth.flatMap(({ what, sizes }, index) => {
    const points = sizes.map((size) => [xOf(size.rows).toFixed(1), yOf(costOf(size)).toFixed(1)] as const)
    return lineOf(points, { what, index })
  })
  const [width, height] = [plot.left + plot.width + plot.gap + plot.legend, bottom + 36]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    '<title>CPU of requests and of one event while the tables grow</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    '<text x="8" y="22" font-weight="bold">Microseconds of CPU, of server and PostgreSQL together</text>',
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((part) => gridLine(yOf(most * part), most * part)),
    ...rowsAt.map((rows) => text(xOf(rows), bottom + 20, 'middle', `${rows.toLocaleString('en')} rows`)),
    ...parts,
    '</svg>\n',
  ].join('\n')
}

const text = (x: number, y: number, anchor: 'start' | 'middle' | 'end', said: string): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${said}</text>`

const gridLine = (y: number, value: number): string[] => [
  `<path d="M${plot.left} ${y.toFixed(1)}h${plot.width}" stroke="#dde2e8"/>`,
  text(plot.left - 8, y + 4, 'end', value.toFixed(0)),
]

/** Each line is named in a legend beside the plot, since lines may lie upon each other. */
const lineOf = (
  points: readonly (readonly [x: string, y: string])[],
  { what, index }: { what: string; index: number },
): string[] => {
  const colour = colours[index % colours.length]
  const [x, y] = [plot.left + plot.width + plot.gap, plot.top + 16 + index * 22]
  return [
    `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.map((point) => point.join(',')).join(' ')}"/>`,
    ...points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`),
    `<path d="M${x} ${y - 4}h20" stroke="${colour}" stroke-width="2"/>`,
    text(x + 28, y, 'start', what),
  ]
}
