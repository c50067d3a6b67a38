import type { LookupFunction } from 'node:net'
import { type Agent, request } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAddressCheck } from './address-check.ts'
import { type StandIn, standIn } from './fixtures.ts'
import { createGuardedAgent } from './guarded-agent.ts'

describe('which addresses are public', () => {
  it('[P9b] refuses private, local, reserved and multicast ones in every notation that reaches the check', () => {
    const isPermitted = createAddressCheck([])
    const refused = [
      '127.0.0.1',
      '127.9.9.9',
      '0.0.0.0',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.0.1',
      '169.254.169.254',
      '100.64.0.1',
      '192.0.0.1',
      '198.18.0.1',
      '224.0.0.1',
      '240.0.0.1',
      '255.255.255.255',
      '203.0.113.1',
      '::',
      '::1',
      '::ffff:127.0.0.1',
      '::ffff:a9fe:a9fe',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b::a9fe:a9fe',
      '64:ff9b:1::7f00:1',
      '2002:7f00:1::',
      '2002:a9fe:a9fe::1',
      '2001::1',
      '2001:db8::1',
      'fe80::1',
      'fe80::1%eth0',
      'fc00::1',
      'fd12::1',
      'fec0::1',
      '4000::1',
      'ff02::1',
      '100::1',
      '',
      'localhost',
      '2130706433',
      '0x7f.1',
    ]
    for (const address of refused) expect(isPermitted(address), address).toBe(false)
    const permitted = [
      '1.1.1.1',
      '140.82.121.4',
      '2606:4700::1111',
      '::ffff:1.1.1.1',
      '64:ff9b::101:101',
      '2002:101:101::1',
    ]
    for (const address of permitted) expect(isPermitted(address), address).toBe(true)
  })

  it('[P9b] permits the networks it is given, and no others beside them', () => {
    const isPermitted = createAddressCheck(['10.0.0.0/8', 'fd00::/8'])
    expect(['10.1.2.3', '::ffff:10.1.2.3', 'fd00::1'].map(isPermitted)).toEqual([true, true, true])
    expect(['127.0.0.1', '192.168.0.1', 'fc00::1'].map(isPermitted)).toEqual([false, false, false])
    expect(() => createAddressCheck(['10.0.0.0'])).toThrow()
  })
})

describe('the guarded agent', () => {
  let secret: StandIn
  let agents: Agent[] = []
  beforeEach(async () => {
    secret = await standIn((_, response) => response.end('secret'))
  })
  afterEach(async () => {
    for (const agent of agents) await agent.destroy()
    agents = []
    await secret[Symbol.asyncDispose]()
  })

  const agent = (lookup?: LookupFunction, allowPrivateAddresses: string[] = []) => {
    const made = createGuardedAgent({ allowPrivateAddresses, idleMs: 5_000, lookup })
    agents.push(made)
    return made
  }
  const port = () => new URL(secret.origin).port
  const resolvesTo = (...addresses: string[]): LookupFunction => {
    return (_name, _options, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      )
  }

  it('[P9b] does not connect to a loopback address, however it is written', async () => {
    const hosts = [
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '0',
      '[::ffff:127.0.0.1]',
      '[::1]',
      '017700000001',
      '127.1',
      'localhost',
    ]
    for (const host of hosts) {
      const answer = request(`http://${host}:${port()}/`, { dispatcher: agent() })
      await expect(answer, host).rejects.toMatchObject({ name: 'AddressRefusedError' })
    }
    expect(secret.connections).toBe(0)
  })

  it('[P9b] does not connect where one of the addresses of a name is private', async () => {
    const answer = request(`http://docs.example:${port()}/`, {
      dispatcher: agent(resolvesTo('93.184.215.14', '127.0.0.1')),
    })
    await expect(answer).rejects.toThrow('docs.example leads to 127.0.0.1, no public address.')
    expect(secret.connections).toBe(0)
  })

  it('[P9b] connects to the address that was checked, and asks the resolver no second time', async () => {
    let asked = 0
    const rebinding: LookupFunction = (_name, _options, callback) => {
      callback(null, [{ address: ++asked === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }])
    }
    const answer = await request(`http://docs.example:${port()}/`, { dispatcher: agent(rebinding, ['127.0.0.0/8']) })
    expect(await answer.body.text()).toBe('secret')
    expect(asked).toBe(1)
  })

  it('[P9b] lets in what the networks it was given hold', async () => {
    const answer = await request(secret.origin, { dispatcher: agent(undefined, ['127.0.0.0/8']) })
    expect(await answer.body.text()).toBe('secret')
  })
})
