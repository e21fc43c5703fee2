import { randomUUID } from 'node:crypto'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { exchange } from './databaseTraffic.ts'

export interface Written {
  /** Marks of the changes that were acknowledged, by a 2xx or a COMMIT: the code of a menu, or the target of an event. */
  readonly acknowledged: ReadonlySet<string>
  /** Marks of all that was asked for; what is not acknowledged may be there or not. */
  readonly asked: ReadonlySet<string>
  readonly stop: () => Promise<void>
}

interface Options {
  readonly urls: () => readonly string[]
  readonly token: string
  readonly appUrl: string
  readonly random: () => number
}

const pauseMs = 20
const longestCommitMs = 60

/**
 * Changes menus over HTTP, each with a key and repeated until it is answered, and records events in transactions that
 * commit in another order than they began.
 */
export const startWriters = ({ urls, token, appUrl, random }: Options): Written => {
  const acknowledged = new Set<string>()
  const asked = new Set<string>()
  let isStopped = false
  const agent = new Agent({ keepAlive: true, timeout: 5_000 })

  const post = async (): Promise<void> => {
    const key = randomUUID()
    const call = { method: 'POST', path: '/api/v1/menus', token, key, body: { code: key, label: 'L' } } as const
    asked.add(key)
    while (true) {
      const known = urls()
      const url = known[Math.floor(random() * known.length)]
      const answer = url && (await exchange(agent, url, call).catch(() => undefined))
      if (answer && answer.status === 201) return void acknowledged.add(key)
      await sleep(pauseMs)
    }
  }
  const write = async (): Promise<void> => {
    while (!isStopped) {
      await post()
      await sleep(random() * pauseMs)
    }
  }

  const commitLate = async (): Promise<void> => {
    let client: Client | undefined
    while (!isStopped) {
      const target = randomUUID()
      try {
        client ??= await connect(appUrl)
        asked.add(target)
        await client.query('begin')
        await client.query("insert into events (topic, target, payload) values ('menu.deleted', $1, '{}')", [target])
        await sleep(random() * longestCommitMs)
        await client.query('commit')
        acknowledged.add(target)
      } catch {
        client?.end().catch(() => {})
        client = undefined
        await sleep(pauseMs)
      }
    }
    await client?.end()
  }

  const running = [...Array.from({ length: 6 }, write), ...Array.from({ length: 6 }, commitLate)]
  return {
    acknowledged,
    asked,
    async stop() {
      isStopped = true
      await Promise.all(running)
      agent.destroy()
    },
  }
}

const connect = async (url: string): Promise<Client> => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  await client.connect()
  return client
}
