import { isIP, isIPv4 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'

/**
 * Where a request comes from: the other end of its connection, or whoever the proxies that are trusted say, the nearest
 * one that is not trusted itself. What is no address, which a client may have made up, counts for nothing. IPv4 in IPv6
 * is IPv4.
 */
export function clientAddress(request: Pick<FastifyRequest, 'ip' | 'ips'>): string {
  const { ip } = request
  if (isIPv4(ip)) return ip
  const address = isIP(ip) === 0 ? request.ips?.findLast((each) => isIP(each) !== 0) : ip
  return address === undefined ? ip : ipaddr.process(address).toString()
}

/** What whoever is at that address has all of: with IPv6 that is 2^64 addresses, and no limit if each counted alone. */
export function networkOf(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${address.split('%', 1)[0]}/64`).toString()}/64`
}
