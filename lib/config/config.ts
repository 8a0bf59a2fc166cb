import type { Client } from '../authenticate/client.ts'
import type { KeyringSource } from '../keys/providers/load.ts'
import type { Rule } from '../policy/rule.ts'
import type { TransportKind, Upstream } from '../transport/upstream.ts'

/** A whole configuration: read, checked, its secrets fetched. */
export interface Config {
  /** Whether this is a trial, whose missing keys and secrets are created at the start. */
  readonly quickstart: boolean
  /** Whether a change of its files is taken without being told. */
  readonly watch: boolean
  readonly listen: readonly ListenAddress[]
  /** Host names under which virtual-hosted-style requests come: `bucket.<domain>`. */
  readonly domains: readonly string[]
  readonly limits: Limits
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly clients: readonly Client[]
  readonly keyrings: ReadonlyMap<string, KeyringSource>
  readonly rules: readonly Rule[]
  readonly log: { readonly level: LogLevel }
  /** Where metrics, health and the status page are; nowhere when left out. */
  readonly admin: AdminAddress | undefined
  readonly front: FrontKind
  readonly transport: TransportKind
  /** The embedded upstreams to start, by upstream name. */
  readonly embedded: ReadonlyMap<string, EmbeddedSource>
}

/** `node`: node:http. `fast`: a front of our own on bare sockets, for the least CPU. */
export type FrontKind = 'node' | 'fast'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

export type ListenAddress =
  | {
      readonly kind: 'tcp'
      readonly host: string
      readonly port: number
      readonly tls: ListenTls | undefined
      readonly b2?: ListenB2
    }
  | { readonly kind: 'unix'; readonly path: string; readonly b2?: ListenB2 }

/** A listener for B2 native clients. */
export interface ListenB2 {
  /** The URL that clients reach it by, when that is not what they say themselves. */
  readonly url: string | undefined
  /** The URL that clients reach the S3 listener by. */
  readonly s3Url: string | undefined
}

export interface AdminAddress {
  readonly host: string
  readonly port: number
}

/** PEM texts. */
export interface ListenTls {
  readonly cert: string
  readonly key: string
  /** When given, a client certificate signed by it is demanded. */
  readonly clientCa: string | undefined
}

/** Bytes, counts and milliseconds. */
export interface Limits {
  /** Bytes of one request head. */
  readonly headerBytes: number
  /** Open client connections per listener. */
  readonly connections: number
  /** Milliseconds for the whole head to arrive. */
  readonly headersTimeout: number
  /** Milliseconds without a byte of a body, either way. */
  readonly bodyIdleTimeout: number
  /** Milliseconds that an idle kept-alive connection stays open. */
  readonly idleTimeout: number
  /** Bytes of an XML or JSON document that the proxy reads whole. */
  readonly documentBytes: number
  /** Milliseconds for requests in flight to end after SIGTERM. */
  readonly drainTimeout: number
}

export interface EmbeddedSource {
  /** Folder of the stored objects. */
  readonly path: string
  readonly host: string
  readonly port: number
}
