import type { Load } from './ends/load.ts'
import type { Payload } from './ends/payload.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
const GiB = 2 ** 30

/** One kind of work that every contender does. */
export interface Work
  extends Pick<Load, 'method' | 'size' | 'requests' | 'connections' | 'payload'> {
  readonly name: string
  readonly unit: Unit
}

export type Unit = 'CPU-s/GiB' | 'µs CPU/request'

const VOUCHED: readonly Payload[] = ['hex', 'signed chunks', 'trailer']

const large = (method: Load['method'], payload: Payload = 'unsigned'): Work => ({
  name: `${method} 1 GiB${payload === 'unsigned' ? '' : `, ${payload}`}`,
  unit: 'CPU-s/GiB',
  method,
  payload,
  size: GiB,
  requests: 1,
  connections: 1,
})

const small = (
  method: Load['method'],
  kib: number,
  connections: number,
  requests: number,
  payload: Payload = 'unsigned',
): Work => ({
  name: [
    `${method} ${kib} KiB`,
    `${connections} ${connections === 1 ? 'connection' : 'connections'}`,
    ...(payload === 'unsigned' ? [] : [payload]),
  ].join(', '),
  unit: 'µs CPU/request',
  method,
  payload,
  size: kib * KiB,
  requests,
  connections,
})

export const WORKS: readonly Work[] = [
  large('GET'),
  large('PUT'),
  small('GET', 64, 32, 8000),
  small('PUT', 64, 32, 8000),
  small('GET', 4, 32, 30_000),
  small('PUT', 4, 32, 30_000),
  small('GET', 4, 1, 8000),
  small('GET', 4, 256, 20_000),
]

/** Every way in which a client vouches for what it uploads; measured on one route, since the others differ by TLS alone. */
export const VOUCHED_WORKS: readonly Work[] = VOUCHED.flatMap(payload => [
  large('PUT', payload),
  small('PUT', 64, 32, 8000, payload),
])

/** Works on one connection: each request waits for nothing but its own way. */
export const isAlone = ({ connections, unit }: Work): boolean =>
  connections === 1 && unit === 'µs CPU/request'

/** Requests after which the compiler has seen what is often done: before, it takes a tenth of the time. */
const WARM = 20_000

/** A piece of `work`, after which the contender's code is compiled and its upstream connections are open. */
export const warmUpOf = (work: Work): Work => ({
  ...work,
  size: Math.min(work.size, 128 * MiB),
  requests: Math.min(work.requests, WARM),
})

/** What `seconds` of CPU for the whole of `work` are in its unit. */
export const costOf = ({ unit, size, requests }: Work, seconds: number): number => {
  switch (unit) {
    case 'CPU-s/GiB':
      return (seconds * GiB) / (size * requests)
    case 'µs CPU/request':
      return (seconds * 1e6) / requests
  }
}
