import { once } from 'node:events'
import { createServer } from 'node:net'

/** Whether somebody listens on the port at one of these addresses, written as for `listen_addresses`. */
export async function isPortTaken(listenAddresses: string, port: number): Promise<boolean> {
  const addresses = listenAddresses.split(',').map((address) => address.trim())
  const taken = await Promise.all(
    addresses.filter((address) => address !== '').map((address) => probe(address, port)),
  )
  return taken.includes(true)
}

async function probe(address: string, port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ port, exclusive: true, ...(address === '*' ? {} : { host: address }) })
    await once(server, 'listening')
    return false
  } catch (error) {
    // Any other fault is PostgreSQL's to report.
    return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}
