import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type ConsumerScene, openScene, until } from './support/consumerScene.ts'
import { programAt } from './support/programs.ts'

let scene: ConsumerScene
const children: ChildProcess[] = []
beforeAll(async () => {
  scene = await openScene()
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await scene.clear()
})
afterAll(() => scene.close())

const spawnServer = (instance: string, held: boolean) => {
  const { appUrl, gateUrl } = scene.database
  const child = spawn(process.execPath, [programAt('consumingServer')], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      APP_URL: appUrl,
      GATE_URL: gateUrl,
      INSTANCE: instance,
      HELD: String(held),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const said: string[] = []
  child.stdout.on('data', (chunk) => said.push(...String(chunk).trim().split('\n')))
  return { child, said }
}
/** What 15 seconds of silence come to. */
const outlive = async () => {
  await scene.sql('update event_consumers set leased_until = now()')
  await scene.sql('delete from event_workers')
}
const instances = async () => (await scene.sql('select instance from effects')).map(({ instance }) => instance)

it('a process that stood still for longer than its lease commits nothing of what another has done', {
  timeout: 120_000,
}, async () => {
  const paused = spawnServer('paused', true)
  await scene.createMenu('one')
  await until(() => paused.said.includes('begun'))
  paused.child.kill('SIGSTOP')
  await outlive()
  const other = spawnServer('other', false)
  await until(() => other.said.includes('committed'))
  paused.child.kill('SIGCONT')
  paused.child.stdin?.write('go\n')
  await until(() => paused.said.includes('LeaseLost'))
  expect(await instances()).toEqual(['other'])
  expect(await scene.deadLetters()).toEqual([])
})

it('a process that is killed at work leaves its event to the others, once', { timeout: 120_000 }, async () => {
  const killed = spawnServer('killed', true)
  await scene.createMenu('one')
  await until(() => killed.said.includes('begun'))
  killed.child.kill('SIGKILL')
  await outlive()
  const other = spawnServer('other', false)
  await until(() => other.said.includes('committed'))
  expect(await instances()).toEqual(['other'])
})
