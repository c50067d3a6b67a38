import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** The connection was refused by us: it led to an address nobody outside should be able to name. */
export class AddressRefusedError extends Error {
  constructor(host: string, address: string) {
    super(host === address ? `${host} is not a public address.` : `${host} leads to ${address}, no public address.`)
    this.name = 'AddressRefusedError'
  }
}

export type AddressCheck = (address: string) => boolean

/**
 * Whether an address may be connected to: public ones, and those of the networks given. IPv6 forms that carry an
 * IPv4 address (mapped, NAT64, 6to4) are judged by that one. Throws where a network is not a CIDR.
 */
export function createAddressCheck(allowedNetworks: string[]): AddressCheck {
  const networks = allowedNetworks.map((network) => ipaddr.parseCIDR(network))
  return (text) => {
    const bare = text.replace(/%.*$/, '')
    if (isIP(bare) === 0) return false
    const address = unwrap(ipaddr.parse(bare))
    if (networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits)))
      return true
    if (address.range() !== 'unicast') return false
    // Of IPv6 only 2000::/3 has been given out; the library calls the rest unicast too.
    return address instanceof ipaddr.IPv4 || ((address.parts[0] ?? 0) & 0xe000) === 0x2000
  }
}

const NAT64 = ipaddr.parseCIDR('64:ff9b::/96')
const SIX_TO_FOUR = ipaddr.parseCIDR('2002::/16')

function unwrap(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address instanceof ipaddr.IPv4) return address
  if (address.isIPv4MappedAddress()) return address.toIPv4Address()
  const bytes = address.toByteArray()
  if (address.match(NAT64)) return new ipaddr.IPv4(bytes.slice(12))
  if (address.match(SIX_TO_FOUR)) return new ipaddr.IPv4(bytes.slice(2, 6))
  return address
}
