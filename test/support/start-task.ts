import { json } from 'node:stream/consumers'
import type { TaskSpec } from '../../src/drivers/driver.ts'
import type { Layout } from '../../src/drivers/local/instance-directories.ts'
import { localDriver } from '../../src/drivers/local/local-driver.ts'

interface Order {
  options: Layout
  serverId: string
  name: string
  argv: TaskSpec['argv']
}

// Starts the task it is told on stdin, says so, and waits to be killed.
const { options, serverId, name, argv } = (await json(process.stdin)) as Order
await localDriver({ ...options, binDirectories: new Map() }).startTask(serverId, name, { argv })
console.log('started')
setInterval(() => {}, 1000)
