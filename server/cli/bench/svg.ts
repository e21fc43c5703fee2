interface Picture {
  readonly title: string
  readonly width: number
  readonly height: number
  readonly parts: readonly string[]
}

/** An SVG that needs no script and no font of its own. */
export const picture = ({ title, width, height, parts }: Picture): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n')

interface Place {
  readonly x: number
  readonly y: number
  /** Which part of the words is there. */
  readonly anchor?: 'start' | 'middle' | 'end'
  readonly weight?: 'normal' | 'bold'
}

/** Words at a place. */
export const words = (said: string, { x, y, anchor = 'start', weight = 'normal' }: Place): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" font-weight="${weight}">${escaped(said)}</text>`

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
