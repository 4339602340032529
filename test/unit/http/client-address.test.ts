import { expect, test } from 'vitest'
import { clientAddress, networkOf } from '../../../src/http/client-address.ts'

test.each([
  ['203.0.113.7', undefined, '203.0.113.7'],
  ['::ffff:203.0.113.7', undefined, '203.0.113.7'],
  ['2001:DB8:0::7', undefined, '2001:db8::7'],
  ['made up', ['10.0.0.5', '10.0.0.6', 'made up'], '10.0.0.6'],
  ['unknown', ['::ffff:10.0.0.5', 'unknown'], '10.0.0.5'],
  ['1', ['10.0.0.5', '1'], '10.0.0.5'],
])('the address of %s, by way of %j, is %s', (ip, ips, address) => {
  expect(clientAddress({ ip, ...(ips && { ips }) })).toBe(address)
})

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
])('%s is counted as %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
