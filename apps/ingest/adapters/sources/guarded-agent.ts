import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector } from 'undici'
import { type AddressCheck, AddressRefusedError, createAddressCheck } from './address-check.ts'

/**
 * An undici agent that connects to permitted addresses only. What is checked: the host where it is an address itself
 * (undici asks no `lookup` then), every address a name resolves to (the connection is made to those and to no other,
 * so that a second answer of the resolver changes nothing), and in the end the address the socket is connected to.
 */
export function createGuardedAgent(options: {
  allowPrivateAddresses: string[]
  idleMs: number
  lookup?: LookupFunction | undefined
}): Agent {
  const isPermitted = createAddressCheck(options.allowPrivateAddresses)
  const connect = buildConnector({
    allowH2: false,
    timeout: Math.min(options.idleMs, 20_000),
    lookup: guardedLookup(options.lookup ?? systemLookup, isPermitted),
  })
  return new Agent({
    headersTimeout: options.idleMs,
    bodyTimeout: options.idleMs,
    connect(target, callback) {
      const host = target.hostname
      if (isIP(host) !== 0 && !isPermitted(host)) return callback(new AddressRefusedError(host, host), null)
      connect(target, (...[error, socket]) => {
        if (error) return callback(error, null)
        const remote = socket.remoteAddress ?? ''
        if (isPermitted(remote)) return callback(null, socket)
        socket.destroy()
        callback(new AddressRefusedError(host, remote), null)
      })
    },
  })
}

function guardedLookup(lookup: LookupFunction, isPermitted: AddressCheck): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, answer, family) => {
      if (error) return callback(error, '', 0)
      const addresses = Array.isArray(answer) ? answer : [{ address: answer, family: family ?? isIP(answer) }]
      const refused = addresses.find(({ address }) => !isPermitted(address))
      if (refused) return callback(new AddressRefusedError(hostname, refused.address), '', 0)
      const [first] = addresses
      if (options.all) return callback(null, addresses)
      callback(first ? null : new Error(`${hostname} has no address.`), first?.address ?? '', first?.family ?? 0)
    })
  }
}
