import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'

/** The kernel may give a port again that nobody listens on yet. */
const given = new Set<number>()

/** A TCP port of loopback that nobody listens on just now; another one each time. */
export const findFreePort = async (): Promise<number> => {
  const port = await anyFreePort()
  if (given.has(port)) return findFreePort()
  given.add(port)
  return port
}

const anyFreePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const isListening = (port: number, host: string): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect({ host, port })
    socket
      .on('error', () => resolve(false))
      .on('connect', () => {
        socket.destroy()
        resolve(true)
      })
  })

/**
 * Waits until somebody listens on `port`, for 30 seconds.
 *
 * @param failed tells why nobody ever will
 */
export const untilListening = async (
  port: number,
  failed: () => string | undefined = () => undefined,
  host = '127.0.0.1',
): Promise<void> => {
  for (let tries = 0; tries < 300; tries++) {
    if (await isListening(port, host)) return
    const cause = failed()
    if (cause !== undefined) throw new Error(cause)
    await setTimeout(100)
  }
  throw new Error(`nobody listens on port ${port}`)
}
