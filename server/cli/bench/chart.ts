const rowHeight = 22
const labelWidth = 260
const barWidth = 380
const plot = { left: 60, top: 40, width: 560, height: 220 }
/** Told apart also by those who see no colours: one is much darker than the other. */
export const colours = { own: '#2f6fde', other: '#9aa5b1' } as const

export interface Bars {
  readonly title: string
  readonly bars: readonly { readonly label: string; readonly value: number; readonly colour: string }[]
}

/** Bars below each other, each block of them with a scale of its own, as an SVG that needs no script and no font of its own. */
export const barChart = (title: string, blocks: readonly Bars[]): string => {
  const parts: string[] = []
  let y = 0
  for (const { title: heading, bars } of blocks) {
    y += 30
    parts.push(`<text x="8" y="${y}" font-weight="bold">${escaped(heading)}</text>`)
    const most = Math.max(...bars.map(({ value }) => value))
    for (const { label, value, colour } of bars) {
      y += rowHeight
      const width = most > 0 ? Math.round((barWidth * value) / most) : 0
      parts.push(
        `<text x="${labelWidth - 8}" y="${y}" text-anchor="end">${escaped(label)}</text>`,
        `<rect x="${labelWidth}" y="${y - 12}" width="${width}" height="15" fill="${colour}"/>`,
        `<text x="${labelWidth + width + 6}" y="${y}">${value.toFixed(1)}</text>`,
      )
    }
  }
  return picture(title, labelWidth + barWidth + 80, y + 16, parts)
}

export interface Line {
  readonly label: string
  readonly colour: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** Lines over seconds, from nought up, below each other in one SVG. */
export const lineCharts = (
  title: string,
  charts: readonly { readonly title: string; readonly lines: readonly Line[] }[],
) => {
  const height = plot.top + plot.height + 60
  const parts = charts.flatMap((chart, at) => [
    `<g transform="translate(0 ${at * height})">`,
    ...lineChart(chart.title, chart.lines),
    '</g>',
  ])
  return picture(title, plot.left + plot.width + 100, charts.length * height, parts)
}

const lineChart = (title: string, lines: readonly Line[]): string[] => {
  const points = lines.flatMap((line) => line.points)
  const [mostX, mostY] = [Math.max(...points.map(([x]) => x), 1), Math.max(...points.map(([, y]) => y), 1)]
  const bottom = plot.top + plot.height
  const xOf = (x: number) => (plot.left + (plot.width * x) / mostX).toFixed(1)
  const yOf = (y: number) => (bottom - (plot.height * y) / mostY).toFixed(1)
  return [
    `<text x="8" y="24" font-weight="bold">${escaped(title)}</text>`,
    `<path d="M${plot.left} ${plot.top}V${bottom}H${plot.left + plot.width}" fill="none" stroke="#444"/>`,
    `<text x="${plot.left - 6}" y="${plot.top + 5}" text-anchor="end">${mostY.toFixed(0)}</text>`,
    `<text x="${plot.left - 6}" y="${bottom}" text-anchor="end">0</text>`,
    `<text x="${plot.left + plot.width}" y="${bottom + 20}" text-anchor="end">${mostX.toFixed(0)} s</text>`,
    ...lines.flatMap(({ label, colour, points: own }) => [
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${own.map(([x, y]) => `${xOf(x)},${yOf(y)}`).join(' ')}"/>`,
      `<text x="${plot.left + plot.width + 6}" y="${yOf(own.at(-1)?.[1] ?? 0)}">${escaped(label)}</text>`,
    ]),
  ]
}

const picture = (title: string, width: number, height: number, parts: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n')

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
