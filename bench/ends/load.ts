import type { Scheme } from '../stage/route.ts'
import type { NamedObject } from './object.ts'
import type { Pace } from './pace.ts'
import type { Payload } from './payload.ts'

/** What a client process shall do. */
export interface Load extends NamedObject {
  readonly method: 'GET' | 'PUT'
  /** How a PUT's body is vouched for. */
  readonly payload: Payload
  readonly requests: number
  /** Kept alive; each carries one request at a time. */
  readonly connections: number
  /** Of the client's own reading or writing; full speed when absent. */
  readonly pace?: Pace
  readonly scheme: Scheme
  readonly port: number
  /** Path of the PEM file of the CA that vouches for an https proxy. */
  readonly ca: string
  /** Whether each answer must say that the object is encrypted with a customer key. */
  readonly encrypted: boolean
}

/** What it did. */
export interface Outcome {
  /** From the first request to the last answer; connections are open before. */
  readonly wallSeconds: number
  /** Milliseconds from a request's first byte to its answer's last. */
  readonly latency: Latency
}

/** What half of the requests took at most, and what all but one in a hundred did. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}
