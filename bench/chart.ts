import type { Outcome } from './rounds.ts'

const rowHeight = 22
const labelWidth = 200
const barWidth = 380

/** Bars of server CPU a request, one block for each outcome, as an SVG that needs no script and no font of its own. */
export const chartOf = (outcomes: readonly Outcome[]): string => {
  const blocks: string[] = []
  let y = 0
  for (const { title, rows } of outcomes) {
    y += 30
    blocks.push(`<text x="8" y="${y}" font-weight="bold">${title}: microseconds of server CPU a request</text>`)
    const most = Math.max(...rows.map(({ serverCpu }) => serverCpu))
    for (const { name, serverCpu } of rows) {
      y += rowHeight
      const width = Math.round((barWidth * serverCpu) / most)
      const fill = name.startsWith('bare') ? '#9aa5b1' : '#2f6fde'
      blocks.push(
        `<text x="${labelWidth - 8}" y="${y}" text-anchor="end">${name}</text>`,
        `<rect x="${labelWidth}" y="${y - 12}" width="${width}" height="15" fill="${fill}"/>`,
        `<text x="${labelWidth + width + 6}" y="${y}">${serverCpu.toFixed(1)}</text>`,
      )
    }
  }
  const [width, height] = [labelWidth + barWidth + 60, y + 16]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    '<title>Server CPU a request of tsforge and of bare handlers</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...blocks,
    '</svg>\n',
  ].join('\n')
}
