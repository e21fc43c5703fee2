import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** What is still to be done for the image when the module is of a pack: a new project begins without, and so does its image. */
export const imageHint = (project: string, module: string): string => {
  const dockerfile = path.join(project, 'Dockerfile')
  if (!module.startsWith('examples/') || !existsSync(dockerfile)) return ''
  if (readFileSync(dockerfile, 'utf8').includes('COPY examples ')) return ''
  return '\nThe image is built without packs: add `COPY examples ./examples` to the Dockerfile and `!examples` to .dockerignore.'
}
