/** What a README says of the project that it came with is as true in the new one. */
const kept = ['Run', 'First request', 'The road of a request', 'Map']

/** The README of a new project: its own beginning and end, and between them what it keeps of the one it was copied from. */
export const projectReadme = (readme: string, name: string): string => {
  const sections = readme
    .split(/^(?=## )/m)
    .filter((section) => kept.some((title) => section.startsWith(`## ${title}\n`)))
  return [beginning(name), ...sections.map((section) => section.trimEnd()), ending].join('\n\n')
}

const beginning = (name: string) => `# ${name}

The API of ${name}: one contract in \`contract/\`, served as REST with an OpenAPI document, as tRPC and as a typed client.`

const ending = `## Where to go on

- Write what you want callers to see into [contract/](contract/), then its handler: [CONTRIBUTING.md](CONTRIBUTING.md)
  adds an entry in five steps, [docs/modules.md](docs/modules.md) a whole feature.
- \`npm run forge -- --help\` lists what the command line does; [docs/forge.md](docs/forge.md) has an example of each command.
- [docs/deployment.md](docs/deployment.md) brings it to a server, [docs/configuration.md](docs/configuration.md) has every
  variable, [docs/security.md](docs/security.md) says what it defends.
- [llms.txt](llms.txt) lists all documents.

The licence in [LICENSE](LICENSE) is that of the code this project began with, and its notice stays with that code. Under
which licence your own stands is yours to say, here and in \`package.json\`.
`
