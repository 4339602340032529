import { X509Certificate } from 'node:crypto'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { signingAuthority } from '../../../src/operations/certificate-authority.ts'
import { CERTIFICATE_FILE, ensureCertificate } from '../../../src/operations/server-certificate.ts'
import { watchCertificates } from '../../../src/operations/watch-certificates.ts'
import { newLife } from '../../support/fake/life.ts'
import { freshMetadata } from '../../support/metadata-database.ts'
import { anAddon, aTenant } from './rows.ts'
import { fakeWorkDeps, newStage } from './stage.ts'

const NOW = new Date(Math.floor(Date.now() / 1000) * 1000)
const DAY = 24 * 3600 * 1000

async function ground() {
  const { db } = await freshMetadata()
  const deps = fakeWorkDeps(await newStage(db), newLife())
  const tenantId = await aTenant(db)
  const seen = async (now = NOW) => {
    await sql`update observation set observed_at = '-infinity'`.execute(db)
    await watchCertificates(deps, 600, now)
    const { rows } = await sql<{ name: string; value: number }>`
      select name, value from observation where name like '%expires_seconds'`.execute(db)
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
  }
  const aServer = async (issuedAt: Date) => {
    const { serverId } = await anAddon(db, tenantId)
    await sql`update server set desired_state = 'running' where id = ${serverId}`.execute(db)
    await deps.driver.ensureInstance(serverId)
    await ensureCertificate(deps, serverId, db, issuedAt)
    return serverId
  }
  return { db, deps, seen, aServer }
}

const secondsTo = (end: Date, now = NOW) => Math.floor((end.getTime() - now.getTime()) / 1000)

test('of all certificates the one that ends first is told of, and the authority’s', async () => {
  const { db, deps, seen, aServer } = await ground()
  const { certificate } = await signingAuthority(db, deps.keyRing)
  const authority = secondsTo(new X509Certificate(certificate).validToDate)
  expect(await seen()).toEqual({ authority_expires_seconds: authority })

  for (const days of [0, 100, 30]) await aServer(new Date(NOW.getTime() - days * DAY))
  const first = { authority_expires_seconds: authority, certificate_expires_seconds: (265 * DAY) / 1000 }
  expect(await seen()).toEqual(first)
  // Whoever has just looked has looked for all.
  await watchCertificates(deps, 600, new Date(NOW.getTime() + DAY))
  expect(await seen()).toEqual(first)

  await sql`update server set desired_state = 'absent'`.execute(db)
  expect(await seen()).toEqual({ authority_expires_seconds: authority })
})

test('a certificate that is damaged has come to its end', async () => {
  const { deps, seen, aServer } = await ground()
  await deps.driver.writeConfig(await aServer(NOW), { [CERTIFICATE_FILE]: 'damaged' })
  expect(await seen()).toMatchObject({ certificate_expires_seconds: 0 })
})
