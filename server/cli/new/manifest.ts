/** What the parts of a package.json that are read here look like. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly files?: readonly string[]
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** What every new project begins with. */
export const firstVersion = '0.1.0'

/** Its licence is for the people of the new project to choose; the one of what they got stands in LICENSE. */
const ownRules = { version: firstVersion, license: 'UNLICENSED' }

export const packagesOf = (manifest: Manifest): string[] =>
  Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies })

/** The package.json of the new project: its own name, and the scripts of which every file is there. */
export const projectManifest = (manifest: Manifest, name: string, isThere: (path: string) => boolean): string => {
  const runs = ([, command]: [string, string]) => pathsIn(command).every(isThere)
  return render({
    ...manifest,
    name,
    ...ownRules,
    description: `The API of ${name}.`,
    private: true,
    files: manifest.files?.filter((entry) => !/^!(?!\*\*)/.test(entry)),
    scripts: Object.fromEntries(Object.entries(manifest.scripts).filter(runs)),
  })
}

const pathsIn = (command: string): string[] => command.split(/\s+/).filter((word) => /^[\w.-]+\//.test(word))

/** The lock file, in which the project itself stands twice. */
export const projectLock = (text: string, name: string): string => {
  const lock = JSON.parse(text)
  const own = { ...lock.packages[''], name, ...ownRules }
  return render({ ...lock, name, version: firstVersion, packages: { ...lock.packages, '': own } })
}

/** The package.json of the client, as its sources have it. */
export const clientManifest = (text: string, name: string): string =>
  render({ ...JSON.parse(text), name: clientName(name), ...ownRules, description: `The typed client of ${name}.` })

export const clientName = (project: string): string => `${project}-client`

/** What the document says of itself. */
export const projectDocument = (text: string, name: string): string => {
  const document = JSON.parse(text)
  return render({ ...document, info: { ...document.info, title: name, version: firstVersion } })
}

const render = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
