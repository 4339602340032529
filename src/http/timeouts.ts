import { HEADER_BYTES_MAX } from './plugins/request-sizes.ts'

export interface Timeouts {
  /** For all headers, and for the whole request with its body, to arrive. */
  headersSeconds: number
  requestSeconds: number
  /** For the answer to begin. Whatever a request waits for has a lower limit of its own. */
  handlerSeconds: number
}

export const TIMEOUTS: Timeouts = { headersSeconds: 10, requestSeconds: 30, handlerSeconds: 60 }

/** Longer than load balancers keep theirs: the one that opens a connection is to close it. */
const KEEP_ALIVE_SECONDS = 72

/** Those options of Fastify's that keep slow clients from holding on to what others need. */
export function serverOptions({ headersSeconds, requestSeconds, handlerSeconds }: Timeouts) {
  return {
    requestTimeout: requestSeconds * 1000,
    handlerTimeout: handlerSeconds * 1000,
    keepAliveTimeout: KEEP_ALIVE_SECONDS * 1000,
    http: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: headersSeconds * 1000,
      requestTimeout: requestSeconds * 1000,
      // How late either of them may be noticed.
      connectionsCheckingInterval: Math.min(1000, headersSeconds * 500),
    },
  }
}
