import manifest from '../package.json' with { type: 'json' }

/** What this project is called, without the scope: the title of its API, and what its service and its tokens call themselves by default. */
export const name = manifest.name.replace(/^@[^/]*\//, '')

/** The version of this project, as package.json says it. */
export const { version } = manifest

/** The least version of Node that it runs on, as package.json says it. */
export const oldestNode = manifest.engines.node.replace('>=', '')
