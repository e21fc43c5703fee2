import { loadConfig, loadSettings } from '../config.ts'
import { runForge } from './forge.ts'
import { progress } from './progress.ts'

/** Not process.exit: what was printed into a pipe must get there first. */
process.exitCode = await runForge(process.argv.slice(2), {
  input: process.stdin,
  print: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
  progress: process.stderr.isTTY ? progress : undefined,
  loadConfig,
  loadSettings,
})
