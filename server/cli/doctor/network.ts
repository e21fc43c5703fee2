import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { codeOf } from '../../../db/causes.ts'
import type { Config } from '../../config.ts'
import { askServer, localAddress } from '../serverAddress.ts'
import { type Finding, failed, inWords, ok, warning } from './finding.ts'

/** The port that the server would listen on, and whom it would believe about addresses. */
export const checkNetwork = async ({ http, environment }: Config): Promise<Finding[]> => [
  await checkPort(http),
  checkProxies(http.trustedProxies, environment === 'production'),
]

const checkPort = async ({ host, port }: Config['http']): Promise<Finding> => {
  if (port === 0) return ok('port', 'any free one')
  const code = await listenOnce(host, port)
  switch (code) {
    case undefined:
      return ok('port', `${port} on ${host} is free`)
    case 'EADDRINUSE': {
      const running = await askServer(localAddress(host, port), '/healthz').catch(() => undefined)
      const { service, version } = (running?.data ?? {}) as { service?: string; version?: string }
      if (version !== undefined) return ok('port', `${port} is served by ${service} ${version}`)
      return failed('port', `${port} is taken by ${listenerOf(port)}`, 'stop that program, or set PORT to another one')
    }
    case 'EACCES':
      return failed('port', `${port} needs more rights than this user has`, 'set PORT above 1023')
    case 'EADDRNOTAVAIL':
      return failed(
        'port',
        `${host} is no address of this machine`,
        'set HOST to 127.0.0.1, or 0.0.0.0 for all addresses',
      )
    default:
      return failed('port', `${port} on ${host}: ${code}`, 'set HOST and PORT to an address that can be listened on')
  }
}

/** Undefined when it can be listened on, else the code of the error. */
const listenOnce = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error) => resolve(codeOf(error) ?? inWords(error)))
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(undefined)))
  })

/** Who listens on a port, as far as Linux tells this user. */
const listenerOf = (port: number): string => {
  try {
    const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listening(file, port)))
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && holds(name, sockets))
    return pid === undefined
      ? 'another program'
      : `process ${pid} (${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()})`
  } catch {
    return 'another program'
  }
}

/** Inodes of listening sockets; columns of proc_net_tcp(5): local address, state 0A (LISTEN), inode. */
const listening = (file: string, port: number): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => state === '0A' && Number.parseInt(local.split(':')[1] ?? '', 16) === port)
    .map((cells) => `socket:[${cells[9]}]`)

const holds = (pid: string, sockets: ReadonlySet<string>): boolean => {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`)))
  } catch {
    return false
  }
}

const checkProxies = (proxies: readonly string[], isProduction: boolean): Finding => {
  const open = proxies.filter((entry) => /\/0+$/.test(entry))
  if (open.length > 0) {
    return failed(
      'proxies',
      `TRUSTED_PROXIES has ${open.join(', ')}: any caller may claim any address`,
      'name the proxies, as in 10.0.0.0/8',
    )
  }
  if (proxies.length > 0) return ok('proxies', proxies.join(', '))
  const found = 'TRUSTED_PROXIES is empty: who connects is the caller'
  if (!isProduction) return ok('proxies', found)
  return warning(
    'proxies',
    found,
    'behind a proxy name it, or all callers share one budget; reached directly, leave it empty',
  )
}
