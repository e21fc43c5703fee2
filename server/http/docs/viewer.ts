import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { HeaderMap } from '../exchange.ts'
import { createResource, type Resource } from '../resource.ts'

/** What is served of the viewer. Each is a route of its own, so no part of a client's path ever reaches the disk. */
const types = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript' } as const

export type ViewerFile = keyof typeof types

export const viewerFiles = Object.keys(types) as ViewerFile[]

/** The path of a file of the viewer on disk. Throws when the viewer is not installed. */
export type Locate = (file: ViewerFile) => string

/** Looks in node_modules, seen from here: the bundled server finds it by the same walk up. */
export const locateInstalled: Locate = (file) => createRequire(import.meta.url).resolve(`swagger-ui-dist/${file}`)

type Viewer = Readonly<Record<ViewerFile, Resource>>

/**
 * Reads the viewer when it is first asked for, 1.7 MB that most instances never need, and keeps it. A failure is not
 * kept.
 */
export const createViewer = (locate: Locate, headers: HeaderMap): (() => Promise<Viewer>) => {
  let loading: Promise<Viewer> | undefined
  const load = async () => {
    const read = async (file: ViewerFile) => {
      const bytes = await readFile(locate(file))
      return [file, createResource(`${types[file]}; charset=utf-8`, bytes, headers)] as const
    }
    return Object.fromEntries(await Promise.all(viewerFiles.map(read))) as Viewer
  }
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
}
