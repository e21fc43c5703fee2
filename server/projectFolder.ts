import { fileURLToPath } from 'node:url'

/** Where package.json is; from the bundle as from the source, since both stand one folder below. */
export const projectFolder = fileURLToPath(new URL('..', import.meta.url))
