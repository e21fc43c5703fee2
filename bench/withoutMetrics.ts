import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { bundling, programOf, root } from './servers.ts'

/** What stands in for the files of server/platform/metrics/ that others call. */
const idle: Readonly<Record<string, string>> = {
  'metrics.ts': `export const createMetrics = () => ({
    count() {},
    timing: () => () => {},
    watch() {},
    snapshot: async () => ({ plain: [], histograms: [] }),
    text: async () => '',
  })`,
  'refusals.ts': 'export const countRefusals = () => () => {}',
  'requests.ts': 'export const createRequestCounter = () => () => {}',
  'countedReplays.ts': 'export const countedReplays = (transact) => transact',
  'watchApp.ts': 'export const watchApp = () => () => {}',
}

/** Bundles the server without its metrics, for which it has no switch. Returns where the program stands. */
export const buildWithoutMetrics = async (): Promise<string> => {
  const outfile = programOf('withoutMetrics')
  await build({
    ...bundling,
    absWorkingDir: root,
    entryPoints: ['server/main.ts'],
    outfile,
    // It looks for its workers and for package.json from there.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(path.join(root, 'dist/main.js')).href) },
    plugins: [
      {
        name: 'without metrics',
        setup({ onLoad }) {
          onLoad({ filter: /server\/platform\/metrics\/\w+\.ts$/ }, ({ path: file }) => {
            const contents = idle[path.basename(file)]
            return contents === undefined ? undefined : { contents, loader: 'js' }
          })
        },
      },
    ],
  })
  return outfile
}
