import { once } from 'node:events'
import { createApp } from '../../server/app.ts'
import { readConfig } from '../../server/config.ts'
import { createLog } from '../../server/log.ts'
import { menuConsumer, moduleOf } from './consumerScene.ts'

/**
 * A server with the consumer of menus as a process of its own, for tests that stop and kill it. It says `begun` on
 * standard output as an event begins, and with HELD=true goes on when something comes on standard input.
 */
const config = readConfig({ ...process.env, NODE_ENV: 'test', PORT: '0', LOG_LEVEL: 'error' }, () => 'x'.repeat(32))
const { APP_URL: app = '', GATE_URL: gate = '', INSTANCE: instance = '', HELD: held } = process.env
const say = (text: string) => process.stdout.write(`${text}\n`)

const consumer = menuConsumer(async (_event, { transaction }) => {
  say('begun')
  if (held === 'true') await once(process.stdin, 'data')
  await transaction((tx) => tx.execute(`insert into effects values ('one', '${instance}')`)).then(
    () => say('committed'),
    (error: Error) => {
      say(error.name)
      throw error
    },
  )
})

const server = await createApp({
  config,
  addresses: { app: { url: app }, gate: { url: gate } },
  log: await createLog(config, { write: (line) => void process.stderr.write(line) }),
  version: '0.0.0',
  modules: [moduleOf({ consumers: [consumer] })],
})
await server.listen()
say('ready')
