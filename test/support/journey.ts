import { Readable } from 'node:stream'
import type { Client } from '../../lib/authenticate/client.ts'
import { compose } from '../../lib/compose.ts'
import type { Keyring } from '../../lib/keys/keyring.ts'
import type { Rule } from '../../lib/policy/rule.ts'
import type { Journey } from '../../lib/proxy.ts'
import { parseAddress } from '../../lib/s3/address.ts'
import type { Headers } from '../../lib/s3/headers.ts'
import type { JournalEntry } from '../../lib/s3/journal.ts'
import { recognise } from '../../lib/s3/operation.ts'
import { parseQuery } from '../../lib/s3/query.ts'
import type { S3Request } from '../../lib/s3/request.ts'
import type { SignedRequest } from '../../lib/sign/sign.ts'
import type { Transport, UpstreamAnswer } from '../../lib/transport/transport.ts'
import { configOf } from './proxy.ts'

/** A client that is trusted for coming over loopback, so that cases need no signature. */
export const SIDECAR: Client = {
  name: 'sidecar',
  proof: { kind: 'loopback' },
  upstream: 'up',
  upstreamCredentials: { kind: 'upstream' },
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Headers
  readonly body: string
}

/** A request as the listener would hand it over. */
export const requestOf = (
  { method, path, query, headers, body }: Asked,
  note: (entry: JournalEntry) => void = () => undefined,
): S3Request => {
  const address = parseAddress('proxy.example', path, [])
  const parsed = parseQuery(query)
  return {
    id: 'TEST',
    method,
    rawPath: path,
    rawQuery: query,
    headers,
    dialect: 'amz',
    address,
    query: parsed,
    operation: recognise(method, address, parsed, headers),
    peer: { transport: 'tcp', tls: false, loopback: true, tlsSubject: undefined },
    wire: Readable.from(body === '' ? [] : [Buffer.from(body)]),
    proceed: () => undefined,
    journal: { note },
  }
}

export type Answering = (request: SignedRequest) => {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** A transport without a network: keeps what it was given, and answers as told. */
export const recordingTransport = (
  answering: Answering,
): Transport & { readonly sent: SignedRequest[] } => {
  const sent: SignedRequest[] = []
  return {
    sent,
    send: async request => {
      sent.push(request)
      const { status, headers, body } = answering(request)
      return { status, headers, body: Readable.from([Buffer.from(body)]) } as UpstreamAnswer
    },
    close: async () => undefined,
  }
}

export interface JourneyOptions {
  readonly rules: readonly Rule[]
  readonly keyrings: readonly Keyring[]
  readonly transport: Transport
  readonly provider?: string
  readonly clients?: readonly Client[]
}

/** The journey alone, without listener and network. */
export const journeyOf = (options: JourneyOptions): Journey =>
  compose({
    config: configOf({
      upstream: 'http://127.0.0.1:1',
      rules: options.rules,
      clients: options.clients ?? [SIDECAR],
      provider: options.provider ?? 'generic',
    }),
    keyrings: () => new Map(options.keyrings.map(each => [each.name, each])),
    transport: options.transport,
    now: () => new Date(),
  })
