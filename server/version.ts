import manifest from '../package.json' with { type: 'json' }

/** The version of this project, as package.json says it. */
export const { version } = manifest
