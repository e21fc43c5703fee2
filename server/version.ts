import manifest from '../package.json' with { type: 'json' }

/** The version of this project, as package.json says it. */
export const { version } = manifest

/** The least version of Node that it runs on, as package.json says it. */
export const oldestNode = manifest.engines.node.replace('>=', '')
