import ipaddr from 'ipaddr.js'

/** Public by its number, and yet the inside of a cloud: Azure's platform. */
const INSIDE = ['168.63.129.16']

/** IPv6 that is routed at all (IANA, global unicast). */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

/** Whether the address is one of the internet's: not private, local, shared, reserved, or a way around to one that is. */
function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast' || INSIDE.includes(address.toString())) return false
  return address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(GLOBAL_UNICAST)
}

/**
 * Whether webhooks may go to that address: a public one, or one of the networks.
 * @param networks in CIDR notation
 */
export function addressRule(networks: readonly string[]): (address: string) => boolean {
  const allowed = networks.map((network) => ipaddr.parseCIDR(network))
  return (text) => {
    if (!ipaddr.isValid(text)) return false
    // An IPv4 address that is written as an IPv6 one is the IPv4 address.
    const address = ipaddr.process(text)
    return allowed.some((network) => isWithin(address, network)) || isPublic(address)
  }
}

function isWithin(address: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: [ipaddr.IPv4 | ipaddr.IPv6, number]) {
  return address.kind() === network.kind() && address.match(network, bits)
}
