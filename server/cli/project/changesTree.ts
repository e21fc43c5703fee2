import type { Changes } from './stage.ts'

/** Files below their folders: new ones with +, changed ones with ~. */
export const treeOf = ({ created, changed }: Changes): string => {
  const marked = [...created.map((file) => [file, '+'] as const), ...changed.map((file) => [file, '~'] as const)]
  let above: readonly string[] = []
  return marked
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([file, mark]) => {
      const folders = file.split('/')
      const name = folders.pop() ?? ''
      const fresh = folders.findIndex((folder, depth) => folder !== above[depth])
      const opened = fresh === -1 ? [] : folders.slice(fresh)
      const depth = folders.length - opened.length
      above = folders
      return [
        ...opened.map((folder, index) => `  ${'  '.repeat(depth + index)}${folder}/`),
        `${mark} ${'  '.repeat(folders.length)}${name}`,
      ]
    })
    .join('\n')
}
