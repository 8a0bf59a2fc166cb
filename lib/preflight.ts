import type { Client } from './authenticate/client.ts'
import { NO_BODY } from './body/receive.ts'
import type { Exchange } from './exchange.ts'
import { S3Error } from './s3/error.ts'
import { type Headers, withoutHeaders, withoutHopByHop } from './s3/headers.ts'
import { queryValue } from './s3/query.ts'
import type { S3Request } from './s3/request.ts'
import type { S3Response } from './s3/response.ts'

/**
 * A browser's question whether a page may send a request. It carries no signature and can carry none, so it goes
 * upstream as nobody, with nothing of it but what CORS asks; the bucket's own CORS rules answer.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html
 */
export interface PreflightParts {
  readonly clients: readonly Client[]
  readonly exchangeOf: (client: Client) => Exchange
}

const isAsked = (name: string): boolean =>
  name === 'origin' || name.startsWith('access-control-request-')

const isAnswered = (name: string): boolean =>
  name === 'vary' || name === 'content-length' || name.startsWith('access-control-')

/** Where URLs of each signature say whose they are; an access key id may itself have slashes. */
const accessKeyIdIn = ({ query }: S3Request): string | undefined => {
  const credential = queryValue(query, 'X-Amz-Credential') ?? queryValue(query, 'X-Goog-Credential')
  return credential === undefined
    ? (queryValue(query, 'AccessKeyId') ?? queryValue(query, 'AWSAccessKeyId'))
    : credential.split('/').slice(0, -4).join('/')
}

/** The client whose presigned or temporary URL is asked about; otherwise any, when all have the same upstream. */
const clientOf = (request: S3Request, clients: readonly Client[]): Client => {
  const accessKeyId = accessKeyIdIn(request)
  const named = clients.find(
    ({ proof }) => proof.kind === 'signature' && proof.accessKeyId === accessKeyId,
  )
  const upstreams = new Set(clients.map(({ upstream }) => upstream))
  const client = named ?? (upstreams.size === 1 ? clients[0] : undefined)
  if (client === undefined) throw new S3Error('AccessDenied')
  return client
}

const only = (headers: Headers, isKept: (name: string) => boolean): Headers =>
  withoutHeaders(withoutHopByHop(headers), name => !isKept(name))

/** @throws {S3Error} `AccessDenied` when it cannot be told whose upstream to ask */
export const answerPreflight = async (
  request: S3Request,
  { clients, exchangeOf }: PreflightParts,
  signal: AbortSignal,
): Promise<S3Response> => {
  const answer = await exchangeOf(clientOf(request, clients)).sendUnsigned(
    {
      method: 'OPTIONS',
      address: request.address,
      query: [],
      headers: only(request.headers, isAsked),
      body: NO_BODY,
      repeatable: true,
    },
    signal,
  )
  return { ...answer, headers: only(answer.headers, isAnswered) }
}
