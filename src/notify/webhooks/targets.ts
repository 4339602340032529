import type { WebhookTargets } from '../webhook-sender.ts'
import { addressRule } from './public-address.ts'
import { addressesOf, dnsResolver, type ResolveHost } from './resolve-host.ts'

export interface TargetRules {
  /** In CIDR notation: reached although they are not public. */
  allowedNetworks: readonly string[]
  allowHttp: boolean
  resolveHost?: ResolveHost
}

/** Thrown when nothing is sent to a URL; the message is for whoever gave it. */
export class RefusedTarget extends Error {}

export interface CheckedTargets extends WebhookTargets {
  /**
   * Looks up the host, and checks every address that it has: whoever connects takes these and no others, so that a name
   * that changes its mind gains nothing.
   * @throws RefusedTarget
   */
  addressesOf(url: URL): Promise<string[]>
}

const URL_LENGTH_MAX = 2048
const FIRST_FREE_PORT = 1024
/** Of these, where other protocols live: the Fetch standard's bad ports, PostgreSQL, and Redis. */
const BAD_PORTS = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669,
  6679, 6697, 10080,
])

/** The same for a name without addresses as for one with private ones: nobody learns the names of a network from it. */
const NOT_PUBLIC = 'The host has no address, or one that is not public.'

export function webhookTargets(rules: TargetRules): CheckedTargets {
  const { allowedNetworks, allowHttp, resolveHost = dnsResolver() } = rules
  const isAllowed = addressRule(allowedNetworks)

  const checkedAddressesOf = async (url: URL) => {
    const reason = refusalOfText(url, allowHttp)
    if (reason !== null) throw new RefusedTarget(reason)
    const addresses = await addressesOf(url, resolveHost).catch((cause: unknown) => {
      throw new RefusedTarget(NOT_PUBLIC, { cause })
    })
    if (addresses.length === 0 || !addresses.every(isAllowed)) throw new RefusedTarget(NOT_PUBLIC)
    return addresses
  }

  return {
    addressesOf: checkedAddressesOf,

    async refusalOf(text) {
      const url = URL.parse(text)
      if (url === null || text.length > URL_LENGTH_MAX) return 'It is no URL, or too long.'
      try {
        await checkedAddressesOf(url)
        return null
      } catch (error) {
        if (error instanceof RefusedTarget) return error.message
        throw error
      }
    },
  }
}

function refusalOfText(url: URL, allowHttp: boolean): string | null {
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:'))
    return allowHttp ? 'It has to begin with https:// or http://.' : 'It has to begin with https://.'
  if (url.username !== '' || url.password !== '') return 'It must not name a user or a password.'
  const port = Number(url.port)
  if (url.port !== '' && (port < FIRST_FREE_PORT || BAD_PORTS.has(port)))
    return 'The port is not one that webhooks go to.'
  return null
}
