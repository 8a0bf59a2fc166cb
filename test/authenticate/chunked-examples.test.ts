import t from 'tap'
import { createAuthenticate } from '../../lib/authenticate/authenticate.ts'
import type { Payload } from '../../lib/s3/body.ts'
import { createSigningKeys } from '../../lib/sigv4/signature.ts'
import {
  CHUNKED_BODY,
  CHUNKED_EXAMPLE,
  type SignedExample,
  TRAILER_EXAMPLE,
} from '../vectors/aws-s3-examples.ts'
import {
  byteByByte,
  cutAt,
  EXAMPLE_KEY,
  type Filtered,
  requestOf,
  runFilter,
  signingClient,
} from './fixtures.ts'
import { NOW } from './signing.ts'

const authenticate = createAuthenticate(
  [signingClient('example', EXAMPLE_KEY)],
  createSigningKeys(),
)

const accept = (example: SignedExample) => {
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${example.signedHeaders},Signature=${example.signature}`
  const rawHeaders = [...example.rawHeaders, 'Authorization', authorization]
  return authenticate(requestOf({ ...example, rawHeaders }), NOW)
}
const payloadOf = (example: SignedExample): Payload => {
  const { payload } = accept(example)
  if (payload === undefined) throw new Error('no payload')
  return payload
}
const receive = (example: SignedExample, pieces: readonly Buffer[]): Filtered => {
  const { filter } = payloadOf(example)
  if (filter === undefined) throw new Error('no filter')
  return runFilter(filter, pieces)
}

t.test("AWS's chunked examples come out as the 65 KiB that AWS put in", async t => {
  for (const example of [CHUNKED_EXAMPLE, TRAILER_EXAMPLE]) {
    const wire = Buffer.from(example.body)
    for (const pieces of [[wire], byteByByte(wire), cutAt(wire, [1, 87, 65_623, 65_625, 66_800])]) {
      const { released, code } = receive(example, pieces)
      t.equal(code, undefined, example.name)
      t.ok(released.equals(CHUNKED_BODY), example.name)
    }
  }
})

t.test("the whole of AWS's chunked example has the length that AWS signed", async t => {
  t.equal(CHUNKED_EXAMPLE.body.length, 66_824)
})

t.test('what travels on is the object, with the headers that are its own', async t => {
  for (const example of [CHUNKED_EXAMPLE, TRAILER_EXAMPLE]) {
    const { headers, payload } = accept(example)
    t.strictSame(Object.fromEntries(headers), {
      host: 's3.amazonaws.com',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    })
    t.equal(payload?.length, 66_560)
    t.equal(payload?.hash, 'UNSIGNED-PAYLOAD')
  }
  t.equal(payloadOf(CHUNKED_EXAMPLE).trailer, undefined)
  t.equal(payloadOf(TRAILER_EXAMPLE).trailer?.name, 'x-amz-checksum-crc32c')
})

t.test('a changed byte of data or trailer is refused before the last byte is let go', async t => {
  for (const [example, from, to] of [
    [CHUNKED_EXAMPLE, 'a\r\n400;', 'b\r\n400;'],
    [TRAILER_EXAMPLE, 'a\r\n0;', 'b\r\n0;'],
    [TRAILER_EXAMPLE, 'sOO8/Q==', 'sOO8/A=='],
    [TRAILER_EXAMPLE, 'd81f82fc', 'd81f82fd'],
  ] as const) {
    const body = example.body.replace(from, to)
    t.not(body, example.body)
    const { released, code } = receive(example, [Buffer.from(body)])
    t.equal(code, 'SignatureDoesNotMatch')
    t.ok(released.length < CHUNKED_BODY.length)
  }
})
