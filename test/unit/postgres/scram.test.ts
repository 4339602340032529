import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { newPassword } from '../../../src/domain/credentials.ts'
import { scramVerifier } from '../../../src/postgres/scram.ts'

test('the verifier’s server key signs the exchange of RFC 7677, section 3', () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const verifier = scramVerifier('pencil', { salt, iterations: 4096 })
  expect(verifier).toMatch(/^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$[\w+/=]{44}:[\w+/=]{44}$/)
  const serverKey = Buffer.from(verifier.split(':').at(-1) ?? '', 'base64')
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const exchange = [
    'n=user,r=rOprNGfwEbeRWgbNEkqO',
    `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
    `c=biws,r=${nonce}`,
  ].join(',')
  expect(createHmac('sha256', serverKey).update(exchange).digest('base64')).toBe(
    '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  )
})

test('verifiers of one password differ by their salt', () => {
  expect(scramVerifier('pencil')).not.toBe(scramVerifier('pencil'))
})

test('passwords are long, differ, and need no escaping in a URL', () => {
  const passwords = Array.from({ length: 50 }, newPassword)
  expect(new Set(passwords).size).toBe(50)
  for (const password of passwords) expect(password).toMatch(/^[\w-]{32}$/)
})
