import type { Readable } from 'node:stream'
import type { Address } from './address.ts'
import type { ClientDialect } from './dialect.ts'
import type { Headers } from './headers.ts'
import type { Journal } from './journal.ts'
import type { Operation } from './operation.ts'
import type { Query } from './query.ts'

/** The ticket of room `R`. Private, so `{ ...request }` loses it: a changed request must pass again. */
declare class Ticket<R extends string> {
  private readonly room: R
}

/** A value that has been through room `R`; only that room issues the ticket, in place of the room's before. */
export type Through<R extends string, T> = { readonly [K in keyof T]: T[K] } & Ticket<R>

/** The connection that a request came on. */
export interface Peer {
  readonly transport: 'tcp' | 'unix'
  readonly tls: boolean
  readonly loopback: boolean
  /** Common name of a client certificate that the listener's `clientCa` vouched for. */
  readonly tlsSubject: string | undefined
}

/** A request as received: nothing of it is believed yet. */
export interface S3Request {
  /** Ours: in the log, and in the errors that the proxy itself answers. */
  readonly id: string
  readonly method: string
  /** The request target up to `?`, as received. */
  readonly rawPath: string
  /** The request target after `?`, as received. */
  readonly rawQuery: string
  readonly headers: Headers
  /** What its headers and query are in, until it is authenticated; and what its answer shall be in. */
  readonly dialect: ClientDialect
  readonly address: Address
  readonly query: Query
  readonly operation: Operation
  readonly peer: Peer
  /** The bytes on the wire after the head; unread until the transport reads them. */
  readonly wire: Readable
  /** Answers `Expect: 100-continue`; to be called once the request may send its body. */
  readonly proceed: () => void
  /** What the log will say of the request. */
  readonly journal: Journal
}
