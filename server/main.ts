import './platform/heap.ts'
import cluster from 'node:cluster'
import { loadConfig } from './config.ts'
import { createLog } from './log.ts'
import { explainStartFailure } from './platform/startFailure.ts'
import { serve } from './serve.ts'
import { isSupervisor, type StartFailure, supervise } from './supervise.ts'

try {
  const config = loadConfig()
  const log = await createLog(config)
  if (cluster.isPrimary) for (const warning of config.warnings) log.warn(warning)
  await (isSupervisor(config) ? supervise(config, log) : serve(config, log))
} catch (error) {
  const sentence = explainStartFailure(error)
  if (cluster.isWorker) {
    const failure: StartFailure = { kind: 'start.failed', sentence }
    process.send?.(failure, undefined, undefined, () => process.exit(1))
  } else {
    process.stderr.write(`${sentence}\n`)
    process.exit(1)
  }
}
