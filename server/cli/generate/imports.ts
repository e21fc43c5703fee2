/** Where a name comes from; a type is imported as one. */
export interface Origin {
  readonly from: string
  readonly names: readonly string[]
  readonly isType?: true
}

/** The code with an import for each name that it uses, in the order of the origins. */
export const withImports = (code: string, origins: readonly Origin[]): string => {
  const bare = code
    .replace(/\/\*\*?[\s\S]*?\*\/|(?<!:)\/\/.*|'(?:[^'\\\n]|\\.)*'/g, '')
    .replace(/`[^`]*`/g, (text) => [...text.matchAll(/\$\{([^}]*)\}/g)].map(([, inside]) => ` ${inside} `).join(''))
  const isUsed = (name: string) => new RegExp(`(?<![\\w$'-]|(?<!\\.\\.)\\.)${name}(?![\\w$'-]|:)`).test(bare)
  const lines = origins.flatMap(({ from, names, isType }) => {
    const used = names.filter((name) => isUsed(name.split(' ').at(-1) ?? name))
    if (used.length === 0) return []
    return [`import ${isType ? 'type ' : ''}{ ${used.join(', ')} } from '${from}'`]
  })
  return `${lines.join('\n')}\n\n${code.trim()}\n`
}

/** Lines below each other; those that are not there are left out. */
export const lines = (...parts: readonly (string | false | undefined | readonly string[])[]): string =>
  parts
    .filter((part) => part !== false && part !== undefined)
    .flat()
    .join('\n')
