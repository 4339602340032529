import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'

/** The addresses of a host name; rejects when there are none. */
export type ResolveHost = (hostname: string) => Promise<string[]>

/**
 * Asks the name servers themselves: the system's resolver works in a few threads, and names that take their time would
 * hold up those of others. So /etc/hosts is not read.
 * @param timeoutSeconds for each of two tries
 */
export function dnsResolver(timeoutSeconds = 3): ResolveHost {
  return async (hostname) => {
    // RFC 6761, 6.3: these names never go to a name server.
    if (/(^|\.)localhost\.?$/.test(hostname)) return ['127.0.0.1', '::1']
    const resolver = new Resolver({ timeout: timeoutSeconds * 1000, tries: 2 })
    const found = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const addresses = found.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (addresses.length === 0) throw new Error('the host name has no address')
    return addresses
  }
}

/** The addresses that the host of a URL stands for: itself, where it is one. */
export async function addressesOf(url: URL, resolveHost: ResolveHost): Promise<string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return isIP(host) === 0 ? resolveHost(host) : [host]
}
