#!/usr/bin/env node
// Bundles forge when a source is newer than the bundle, then becomes forge.
import { run } from './bundle.mjs'

await run('forge')
