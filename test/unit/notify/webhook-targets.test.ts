import { describe, expect, test } from 'vitest'
import { addressRule } from '../../../src/notify/webhooks/public-address.ts'
import { webhookTargets } from '../../../src/notify/webhooks/targets.ts'

const targets = (rules: { allowedNetworks?: string[]; allowHttp?: boolean; addresses?: string[] } = {}) =>
  webhookTargets({
    allowedNetworks: rules.allowedNetworks ?? [],
    allowHttp: rules.allowHttp ?? false,
    resolveHost: async () => rules.addresses ?? ['93.184.215.14'],
  })

describe('nothing is sent to', () => {
  test.each([
    [
      'private',
      ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd00:ec2::254', 'fec0::1'],
    ],
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1']],
    ['link-local', ['169.254.169.254', 'fe80::1']],
    ['shared', ['100.64.0.1', '100.100.100.200']],
    ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
    ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1']],
    [
      'reserved',
      ['192.0.0.192', '192.0.2.1', '198.18.0.1', '240.0.0.1', '255.255.255.255', '2001:db8::1', '100::1'],
    ],
    [
      'IPv4 in IPv6',
      ['::ffff:127.0.0.1', '::ffff:10.0.0.1', '::127.0.0.1', '::7f00:1', '::ffff:0:127.0.0.1'],
    ],
    ['translated', ['64:ff9b::7f00:1', '64:ff9b:1::1', '2002:7f00:1::1', '2001:0:7f00:1::1']],
    ["of a cloud's inside", ['168.63.129.16']],
    ['none', ['', 'example.com', '127.0.0.1.', 'fe80::1%eth0']],
  ])('addresses that are %s', (_, addresses) => {
    const isAllowed = addressRule([])
    expect(addresses.filter(isAllowed)).toEqual([])
  })

  test.each([
    'http://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'https://user@example.com/',
    'https://user:word@example.com/',
    'https://example.com:22/',
    'https://example.com:5432/',
    'https://example.com:6379/',
    'nowhere',
    `https://example.com/${'a'.repeat(2048)}`,
  ])('%s', async (url) => {
    expect(await targets().refusalOf(url)).toEqual(expect.any(String))
  })

  test.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://localhost/',
    'https://a.localhost./',
  ])('%s, however it is written', async (url) => {
    const own = webhookTargets({ allowedNetworks: [], allowHttp: false })
    expect(await own.refusalOf(url)).toMatch(/not public/)
  })

  test('a host with one address of many that is not public', async () => {
    const addresses = ['93.184.215.14', '2606:2800:21f::1', '10.0.0.1']
    expect(await targets({ addresses }).refusalOf('https://example.com/')).toMatch(/not public/)
  })

  test('a name without addresses, in the words for a private one', async () => {
    const refused = await targets({ addresses: ['10.0.0.1'] }).refusalOf('https://example.com/')
    expect(await targets({ addresses: [] }).refusalOf('https://example.com/')).toBe(refused)
  })
})

describe('webhooks go to', () => {
  test.each(['https://example.com/', 'https://example.com:8443/a?b=c', 'https://93.184.215.14/'])(
    '%s',
    async (url) => {
      expect(await targets().refusalOf(url)).toBeNull()
    },
  )

  test('private networks that are allowed, and no others', async () => {
    const isAllowed = addressRule(['10.1.0.0/16', 'fd00::/8'])
    expect(['10.1.2.3', 'fd00::1', '::ffff:10.1.2.3'].filter(isAllowed)).toHaveLength(3)
    expect(['10.2.0.1', 'fc00::1', '::1'].filter(isAllowed)).toEqual([])
  })

  test('http where that is allowed', async () => {
    expect(await targets({ allowHttp: true }).refusalOf('http://example.com/')).toBeNull()
  })
})
