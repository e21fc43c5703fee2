// Bundles the server when a source is newer than the bundle, then becomes the server.
import { run } from './bundle.mjs'

await run('main')
