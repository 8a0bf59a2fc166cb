import { once } from 'node:events'
import { connect } from 'node:net'

/** An answer as it stood on the wire. */
export interface RawAnswer {
  /** What came before it: `100` for a request that was told to go on. */
  readonly before: readonly number[]
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

const parse = (received: string): RawAnswer => {
  const heads = received.split('\r\n\r\n')
  const statuses = heads.map(head => Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0))
  const final = statuses.findIndex(status => status >= 200)
  const [, ...lines] = (heads[final] ?? '').split('\r\n')
  return {
    before: statuses.slice(0, final),
    status: statuses[final] ?? 0,
    headers: Object.fromEntries(
      lines.map(line => {
        const at = line.indexOf(':')
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()]
      }),
    ),
    text: heads.slice(final + 1).join('\r\n\r\n'),
  }
}

/**
 * Sends a request's lines as they are printed, then its body; after the server's word when the lines ask for it.
 *
 * @param lines the request line and headers
 */
export const sayRaw = async (
  origin: string,
  lines: readonly string[],
  body: Buffer | string = '',
): Promise<RawAnswer> => {
  const { hostname, port } = new URL(origin)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`)
  if (lines.some(line => /^Expect:/i.test(line))) await once(socket, 'data')
  socket.write(body)
  await once(socket, 'close')
  return parse(Buffer.concat(chunks).toString('latin1'))
}
