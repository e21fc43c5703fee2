import { picture, words } from './svg.ts'

const rowHeight = 22
const labelWidth = 260
const barWidth = 380
/** Told apart also by those who see no colours: one is much darker than the other. */
export const colours = { own: '#2f6fde', other: '#9aa5b1' } as const

export interface Bars {
  readonly title: string
  readonly bars: readonly { readonly label: string; readonly value: number; readonly colour: string }[]
}

/** Bars below each other, each block of them with a scale of its own, as an SVG. */
export const barChart = (title: string, blocks: readonly Bars[]): string => {
  const parts: string[] = []
  let y = 0
  for (const { title: heading, bars } of blocks) {
    y += 30
    parts.push(words(heading, { x: 8, y, weight: 'bold' }))
    const most = Math.max(...bars.map(({ value }) => value))
    for (const { label, value, colour } of bars) {
      y += rowHeight
      const width = most > 0 ? Math.round((barWidth * value) / most) : 0
      parts.push(
        words(label, { x: labelWidth - 8, y, anchor: 'end' }),
        `<rect x="${labelWidth}" y="${y - 12}" width="${width}" height="15" fill="${colour}"/>`,
        words(value.toFixed(1), { x: labelWidth + width + 6, y }),
      )
    }
  }
  return picture({ title, width: labelWidth + barWidth + 80, height: y + 16, parts })
}
