import { S3Error, type S3ErrorCode } from '../s3/error.ts'
import type { S3Response } from '../s3/response.ts'

/**
 * How B2 says what S3 says otherwise: status and code, chosen by what B2's clients do with them. They authorise anew
 * on `bad_auth_token`, and try again on 5xx, so that an error which will not go away must be of another kind.
 * https://www.backblaze.com/docs/cloud-storage-native-api-error-handling
 */
const CODES: Partial<Readonly<Record<S3ErrorCode, readonly [status: number, code: string]>>> = {
  AccessDenied: [401, 'unauthorized'],
  InvalidAccessKeyId: [401, 'unauthorized'],
  InvalidToken: [401, 'bad_auth_token'],
  InternalError: [500, 'internal_error'],
  MethodNotAllowed: [405, 'method_not_allowed'],
  RequestTimeout: [408, 'request_timeout'],
  ServiceUnavailable: [503, 'service_unavailable'],
  UnconfirmedEncryption: [400, 'unconfirmed_encryption'],
  UpstreamTimeout: [503, 'service_unavailable'],
  UpstreamUnavailable: [503, 'service_unavailable'],
}

/** An answer with a JSON document. */
export const jsonAnswer = (status: number, value: object): S3Response => {
  const body = Buffer.from(JSON.stringify(value))
  return {
    status,
    headers: new Map([
      ['content-type', 'application/json;charset=UTF-8'],
      ['content-length', String(body.length)],
    ]),
    body,
  }
}

/** An error of the proxy's own, as B2 tells errors. */
export const errorAnswer = (error: S3Error): S3Response => {
  const [status, code] = CODES[error.code] ?? [400, 'bad_request']
  return jsonAnswer(status, { status, code, message: error.message })
}

/** A provider's answer that ends a request early, to be given to the client as it is. */
export class UpstreamRefusal extends Error {
  override readonly name = 'UpstreamRefusal'
  readonly answer: S3Response
  constructor(answer: S3Response) {
    super(`the provider answered ${answer.status}`)
    this.answer = answer
  }
}

/** A call that the lane does not serve, and why. */
export const refuseCall = (call: string, why: string): S3Error =>
  new S3Error('NotImplemented', `${call} is not served by this proxy: ${why}`)
