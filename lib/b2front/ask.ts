import { Readable } from 'node:stream'
import type { AuthenticatedRequest } from '../authenticate/authenticate.ts'
import type { Client } from '../authenticate/client.ts'
import { vouch } from '../authenticate/vouch.ts'
import { readDocument } from '../response/document.ts'
import { type Address, pathStyle } from '../s3/address.ts'
import type { Payload } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import type { Headers } from '../s3/headers.ts'
import type { Journal } from '../s3/journal.ts'
import { recognise } from '../s3/operation.ts'
import { canonicalQuery } from '../s3/query.ts'
import type { Peer, S3Request } from '../s3/request.ts'
import type { S3Response } from '../s3/response.ts'
import type { HeaderEntry } from './file-info.ts'
import { accepted, refusalOf } from './refusal.ts'

/** The S3 journey behind authentication: policy, keys, attempts, confirmation, and back. */
export type Carry = (request: AuthenticatedRequest, signal: AbortSignal) => Promise<S3Response>

/** What a call asks of S3. */
export interface Asking {
  readonly method: string
  readonly address: Address
  /** One that is undefined is left out. */
  readonly query?: readonly (readonly [name: string, value: string | undefined])[]
  readonly headers?: readonly HeaderEntry[]
  readonly body?:
    | { readonly kind: 'document'; readonly xml: string }
    | {
        readonly kind: 'object'
        readonly wire: Readable
        readonly payload: Payload
        readonly proceed: () => void
      }
}

/** Asks in a client's name; the provider's refusals come back as answers. */
export type AskS3 = (asking: Asking) => Promise<S3Response>

// Nothing of a connection counts any more once the client is known.
const PEER: Peer = { transport: 'tcp', tls: false, loopback: false, tlsSubject: undefined }

const bodyOf = ({ body }: Asking): Pick<S3Request, 'wire' | 'proceed'> & { payload?: Payload } => {
  const proceed = (): void => undefined
  if (body === undefined) return { wire: Readable.from([]), proceed }
  if (body.kind === 'object') return body
  const bytes = Buffer.from(body.xml)
  const payload = {
    length: bytes.length,
    hash: 'UNSIGNED-PAYLOAD',
    filter: undefined,
    trailer: undefined,
  }
  return { wire: Readable.from([bytes]), proceed, payload }
}

const toRequest = (asking: Asking, journal: Journal): S3Request & { payload?: Payload } => {
  const { method, address } = asking
  const query = (asking.query ?? []).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }],
  )
  const headers = new Map(asking.headers)
  return {
    id: '',
    method,
    rawPath: pathStyle(address),
    rawQuery: canonicalQuery(query),
    headers,
    dialect: 'amz',
    address,
    query,
    operation: recognise(method, address, query, headers),
    peer: PEER,
    journal,
    ...bodyOf(asking),
  }
}

export const createAskS3 =
  (client: Client, journal: Journal, carry: Carry, signal: AbortSignal): AskS3 =>
  async asking => {
    if (asking.address.level !== 'service') journal.note({ bucket: asking.address.bucket })
    const { payload, ...request } = toRequest(asking, journal)
    return carry(vouch(request, client, payload), signal)
  }

/** A page of a thousand names, each of a kilobyte that is escaped. */
const DOCUMENT_BYTES = 16 * 1024 * 1024

/** An answer that was read to its end. */
export interface Told {
  readonly headers: Headers
  readonly xml: string
}

/**
 * Reads an answer that is a document, or nothing.
 *
 * @throws {UpstreamRefusal} when the provider refuses
 * @throws {S3Error} `UpstreamUnavailable` for a document over 16 MiB
 */
export const read = async (answer: S3Response): Promise<Told> => {
  const { body, headers } = accepted(answer)
  if (body === undefined) return { headers, xml: '' }
  const bytes = Buffer.isBuffer(body) ? body : await readDocument(body, DOCUMENT_BYTES)
  if (bytes === undefined) throw new S3Error('UpstreamUnavailable')
  const xml = bytes.toString('utf8')
  // S3 answers what takes long with 200 before it knows: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
  if (/<Error[\s>]/.test(xml)) throw refusalOf({ status: 500, headers, body: bytes })
  return { headers, xml }
}

/** Asks for something whose answer is a document, or nothing. @throws as `read` */
export const tell = async (ask: AskS3, asking: Asking): Promise<Told> => read(await ask(asking))
