import type { Path } from '../../yaml/fault.ts'
import type { Part, Parts, Remark } from '../parts.ts'
import { embeddedAddress } from '../schema/upstream.ts'
import { type AdminShape, DEFAULT_HOST, type ListenShape } from '../schema.ts'
import { isLoopback } from './loopback.ts'
import { checkUnique } from './unique.ts'

interface Address {
  readonly path: Path
  readonly host: string
  readonly port: number
}

const tcpAddress = ({ path, options }: Part<ListenShape> | Part<AdminShape>): Address[] => {
  const { host = DEFAULT_HOST, port } = options
  return port === undefined ? [] : [{ path: [...path, 'port'], host, port }]
}

const addressesOf = ({ listen, admin, upstreams }: Parts): Address[] => [
  ...listen.flatMap(tcpAddress),
  ...admin.flatMap(tcpAddress),
  ...upstreams
    .filter(({ options }) => options.provider === 'embedded')
    .map(({ path, options }) => ({ path: [...path, 'port'], ...embeddedAddress(options) })),
]

const ANY_HOST = new Set(['0.0.0.0', '::'])

const collide = (a: Address, b: Address): boolean =>
  a.port !== 0 &&
  a.port === b.port &&
  (a.host === b.host || ANY_HOST.has(a.host) || ANY_HOST.has(b.host))

/** Listeners that cannot both have their address, and such as others could read along. */
export function* checkListen(parts: Parts): Generator<Remark> {
  const addresses = addressesOf(parts)
  for (const [i, address] of addresses.entries()) {
    if (addresses.slice(0, i).some(earlier => collide(earlier, address))) {
      yield { path: address.path, message: 'is taken by another listener. Choose another port.' }
    }
  }
  yield* checkUnique(
    parts.listen.map(({ path, options }) => ({ path: [...path, 'socket'], key: options.socket })),
    'is taken by another listener. Choose another socket.',
  )
  for (const { path, options } of parts.listen) {
    const { host = DEFAULT_HOST, port, tls } = options
    if (port === undefined || tls !== undefined || isLoopback(host)) continue
    const message =
      'is reachable from other machines without TLS: objects can be read on the way. Add tls.'
    yield { path, message, warning: true }
  }
  yield* checkAdmin(parts)
}

/** An admin listener that whoever reaches the machine can read. */
function* checkAdmin({ admin }: Parts): Generator<Remark> {
  for (const { path, options } of admin) {
    if (isLoopback(options.host ?? DEFAULT_HOST)) continue
    const message =
      'is reachable from other machines, and asks nobody who they are: it shows names of clients, rules and buckets. Keep it inside of your network.'
    yield { path, message, warning: true }
  }
}
