import { S3Error } from '../s3/error.ts'
import type { SignedRequest } from '../sign/sign.ts'

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const TARGET = /^\/[\x21-\x7e]*$/

/**
 * Makes sure that a request's head is one head: a line break in a header's value, decoded from a presigned query say,
 * would begin another header or another request.
 *
 * @throws {S3Error} `InvalidRequest`
 */
export const assertSendable = ({ method, target, headers }: SignedRequest): void => {
  if (!TOKEN.test(method) || !TARGET.test(target)) throw new S3Error('InvalidRequest')
  let names = ''
  let values = ''
  for (const [name, value] of headers) {
    names += name
    values += value
  }
  if (TOKEN.test(names) && VALUE.test(values) && !headers.has('')) return
  for (const [name, value] of headers) {
    if (!TOKEN.test(name) || !VALUE.test(value)) throw unsendable(name)
  }
}

const unsendable = (name: string): S3Error =>
  new S3Error('InvalidRequest', `The header ${JSON.stringify(name)} cannot be sent on.`)

/** Methods that say their length even when there is nothing to send: RFC 9110 §8.6 */
const EXPECT_BODY: readonly string[] = ['PUT', 'POST', 'PATCH']

const tellsNoLength = ({ method, body }: SignedRequest): boolean =>
  body.kind === 'none' && EXPECT_BODY.includes(method)

/**
 * A request's head as it goes on the wire, in latin1.
 *
 * @throws {S3Error} `InvalidRequest`
 */
export const requestHead = (request: SignedRequest): string => {
  assertSendable(request)
  let head = `${request.method} ${request.target} HTTP/1.1\r\n`
  for (const [name, value] of request.headers) head += `${name}: ${value}\r\n`
  return tellsNoLength(request) ? `${head}content-length: 0\r\n\r\n` : `${head}\r\n`
}
