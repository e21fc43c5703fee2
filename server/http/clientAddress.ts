import { type BlockList, isIP } from 'node:net'
import type { Exchange } from './exchange.ts'

/** Tells the address of the client behind an exchange. */
export type ClientAddress = (exchange: Exchange) => string

/**
 * The client is the peer of the connection, unless that is one of our proxies: then it is the last address in
 * X-Forwarded-For that is none of them. What stands further left was written by whoever asked, so it proves nothing.
 */
export const createClientAddress = (trusted: BlockList, isAnyTrusted: boolean): ClientAddress => {
  if (!isAnyTrusted) return ({ peerAddress }) => peerAddress
  const isTrusted = (address: string) => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return ({ peerAddress, headers }) => {
    const hops = (headers['x-forwarded-for'] ?? '').split(',').map((hop) => hop.trim())
    let address = peerAddress
    for (let hop = hops.pop(); hop !== undefined && isTrusted(address); hop = hops.pop()) {
      const plain = withoutPort(hop)
      // A proxy of ours would not write this, so the chain ends here.
      if (isIP(plain) === 0) break
      address = plain
    }
    return address
  }
}

/** `[2001:db8::1]:443` and `192.0.2.1:443` without port and brackets. */
const withoutPort = (hop: string): string => {
  if (hop.startsWith('[')) return hop.slice(1, hop.indexOf(']'))
  return /^\d+\.\d+\.\d+\.\d+:\d+$/.test(hop) ? (hop.split(':')[0] ?? '') : hop
}

/**
 * What counts as one client: an IPv4 address, or the /64 of an IPv6 one, since that is what a single subscriber gets
 * and can vary at will (RFC 6177).
 */
export const clientKey = (address: string): string => {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length)
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...after]
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
