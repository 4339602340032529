import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { type CompleteQuotas, effectiveQuotas, NO_QUOTAS, quotasSchema } from '../domain/quotas.ts'

const number = (min: number, max: number) => z.coerce.number().int().min(min).max(max)

const quotas = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown
    } catch {
      context.addIssue('must be JSON')
      return z.NEVER
    }
  })
  .pipe(quotasSchema)
  .transform((given): CompleteQuotas => effectiveQuotas(NO_QUOTAS, given))

/** A network of length 0 is everybody, whose word for an address is worth nothing. */
const proxies = z
  .string()
  .transform((text) => text.split(',').map((network) => network.trim()))
  .pipe(
    z.array(
      z
        .string()
        .refine(
          (text) => isIP(text) !== 0 || (ipaddr.isValidCIDR(text) && !text.endsWith('/0')),
          'must be addresses, or networks in CIDR notation',
        ),
    ),
  )

/** How much tenants, keys and addresses may ask of the service. */
export const limitVariables = {
  UNDROP_QUOTAS: quotas
    .default(NO_QUOTAS)
    .describe('Quotas, as JSON, of tenants that have none of their own; without end where they are not set'),
  UNDROP_REQUESTS_PER_SECOND: number(1, 1_000_000)
    .default(200)
    .describe('Requests that one API key may make per second, on the average'),
  UNDROP_REQUESTS_BURST: number(1, 1_000_000)
    .default(2000)
    .describe('Requests that one API key may make at once'),
  UNDROP_REFUSALS_PER_SECOND: number(1, 1_000_000)
    .default(5)
    .describe('Requests without a valid API key that one address may make per second, on the average'),
  UNDROP_REFUSALS_BURST: number(1, 1_000_000).default(300).describe('The same at once'),
  UNDROP_TRUSTED_PROXIES: proxies
    .default([])
    .describe('Addresses and networks, joined by commas, of proxies whose `X-Forwarded-For` is believed'),
  UNDROP_API_CONNECTIONS: number(2, 1000)
    .default(10)
    .describe('Requests that one API process works on at a time; one tenant has at most half of them'),
}
