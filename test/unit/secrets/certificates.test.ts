import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { certifiedHosts } from '../../../src/operations/server-certificate.ts'
import {
  isServerCertificateGood,
  issueServerCertificate,
  makeAuthority,
} from '../../../src/secrets/certificates.ts'

const NOW = new Date('2026-11-23T14:00:00Z')
const later = (days: number) => new Date(NOW.getTime() + days * 24 * 3600 * 1000)
const authority = await makeAuthority(NOW)
const issue = (...hosts: [string, ...string[]]) => issueServerCertificate(authority, hosts, NOW)

test('an authority signs servers, and no other authority', async () => {
  const ca = new X509Certificate(authority.certificate)
  expect(ca.ca).toBe(true)
  expect(ca.verify(ca.publicKey)).toBe(true)
  const server = new X509Certificate(await issue('db.example.test'))
  expect(server.ca).toBe(false)
  expect(server.checkIssued(ca)).toBe(true)
  expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
})

test('two authorities have names of their own, so that both can be trusted at once', async () => {
  const other = await makeAuthority(NOW)
  const subjects = [authority, other].map(({ certificate }) => new X509Certificate(certificate).subject)
  expect(new Set(subjects).size).toBe(2)
})

test('a certificate is for its names and addresses, and for no others', async () => {
  const certificate = new X509Certificate(await issue('db.example.test', '192.0.2.7', '2001:db8::7'))
  expect(certificate.checkHost('db.example.test')).toBeDefined()
  expect(certificate.checkIP('192.0.2.7')).toBeDefined()
  expect(certificate.checkIP('2001:db8:0::7')).toBeDefined()
  expect(certificate.checkHost('other.example.test')).toBeUndefined()
  expect(certificate.checkIP('192.0.2.8')).toBeUndefined()
})

test('a host longer than a common name may be has its certificate all the same', async () => {
  const host = `${'a'.repeat(60)}.${'b'.repeat(60)}.example.test`
  expect(new X509Certificate(await issue(host)).checkHost(host)).toBeDefined()
})

test('clients whose clocks are behind find the certificate valid', async () => {
  const { validFromDate } = new X509Certificate(await issue('db.example.test'))
  expect(validFromDate.getTime()).toBeLessThanOrEqual(NOW.getTime() - 3_600_000)
})

test('a certificate is renewed at half of its time, and not before', async () => {
  const pem = await issue('db.example.test')
  const isGoodIn = (days: number) =>
    isServerCertificateGood(pem, authority.certificate, ['db.example.test'], later(days))
  expect([0, 180, 184, 400].map(isGoodIn)).toEqual([true, true, false, false])
  // A clock that was set back.
  expect(isGoodIn(-1)).toBe(false)
})

test('a certificate ends no later than its authority', async () => {
  const late = later(20 * 365 - 100)
  const { validToDate } = new X509Certificate(await issueServerCertificate(authority, ['a.test'], late))
  expect(validToDate).toEqual(new X509Certificate(authority.certificate).validToDate)
})

test('a certificate for another host, of another authority, with another key, or damaged is not good', async () => {
  const pem = await issue('db.example.test')
  const isGood = (text: string, certificate = authority.certificate, host = 'db.example.test') =>
    isServerCertificateGood(text, certificate, [host], NOW)
  expect(isGood(pem)).toBe(true)
  expect(isGood(pem, undefined, 'moved.example.test')).toBe(false)
  expect(isGood(pem, (await makeAuthority(NOW)).certificate)).toBe(false)
  const [certificate = ''] = pem.split('-----BEGIN PRIVATE KEY')
  const [, key = ''] = (await issue('db.example.test')).split('-----BEGIN PRIVATE KEY')
  expect(isGood(`${certificate}-----BEGIN PRIVATE KEY${key}`)).toBe(false)
  expect(isGood(certificate)).toBe(false)
  expect(isGood('')).toBe(false)
})

test.each([
  ['db.example.test', '*', ['db.example.test']],
  ['db.example.test', '0.0.0.0, ::', ['db.example.test']],
  ['127.0.0.1', '127.0.0.1', ['127.0.0.1']],
  ['db.example.test', 'localhost, 192.0.2.7,2001:db8::7', ['db.example.test', '192.0.2.7', '2001:db8::7']],
])('at %s, listening on %s, a server is certified for %j', (endpoint, listenAddresses, hosts) => {
  expect(certifiedHosts(endpoint, listenAddresses)).toEqual(hosts)
})
