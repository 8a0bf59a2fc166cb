import t from 'tap'
import { createAuthenticate } from '../../lib/authenticate/authenticate.ts'
import type { S3Error } from '../../lib/s3/error.ts'
import { EMPTY_SHA256 } from '../../lib/s3/payload-hash.ts'
import { createSigningKeys } from '../../lib/sigv4/signature.ts'
import { PRESIGNED_EXAMPLE } from '../vectors/aws-s3-examples.ts'
import { EXAMPLE_KEY, requestOf, runFilter, signingClient, type WireRequest } from './fixtures.ts'
import { NOW, signInQuery } from './signing.ts'

const authenticate = createAuthenticate(
  [signingClient('example', EXAMPLE_KEY)],
  createSigningKeys(),
)
const accept = (request: WireRequest, now = NOW) => authenticate(requestOf(request), now)
const refuse = (request: WireRequest, now = NOW): Partial<S3Error> => {
  try {
    accept(request, now)
  } catch (error) {
    const { code, message, details } = error as S3Error
    return { code, message, details }
  }
  return {}
}
const after = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000)

const GET: WireRequest = {
  method: 'GET',
  target: '/bucket/key?versionId=1',
  rawHeaders: ['Host', 'localhost'],
}
const PUT: WireRequest = {
  method: 'PUT',
  target: '/bucket/key',
  rawHeaders: ['Host', 'localhost', 'Content-Length', '4'],
}
const withParameters = (request: WireRequest, query: string): WireRequest => ({
  ...request,
  target: `${request.target}${request.target.includes('?') ? '&' : '?'}${query}`,
})

t.test("AWS's example is accepted from its first second to its last", async t => {
  for (const seconds of [-900, 0, 86_400]) {
    const { client, query } = accept(PRESIGNED_EXAMPLE, after(seconds))
    t.equal(client.name, 'example')
    t.strictSame(query, [])
  }
})

t.test('an expired request says when it expired', async t => {
  t.match(refuse(PRESIGNED_EXAMPLE, after(86_401)), {
    code: 'AccessDenied',
    message: 'Request has expired',
    details: {
      'X-Amz-Expires': '86400',
      Expires: '2013-05-25T00:00:00Z',
      ServerTime: '2013-05-25T00:00:01Z',
    },
  })
})

t.test('a request from the future is refused', async t => {
  t.match(refuse(PRESIGNED_EXAMPLE, after(-901)), {
    code: 'AccessDenied',
    message: 'Request is not yet valid',
  })
})

t.test('what is left of the query is what the client said to S3', async t => {
  t.strictSame(accept(signInQuery(GET)).query, [{ name: 'versionId', value: '1' }])
})

t.test('a presigned request lives between a second and seven days', async t => {
  for (const expires of ['1', '604800']) {
    t.equal(accept(signInQuery(GET, { expires })).client.name, 'example')
  }
  for (const expires of ['0', '604801', '-1', '1.5', '1e3', '', '0600000', ' 1', '9999999']) {
    const { code } = refuse(signInQuery(GET, { expires }))
    t.equal(code, 'AuthorizationQueryParametersError', expires)
  }
})

const SIGNED = signInQuery(GET).target
const FAULTS: readonly (readonly [
  name: string,
  change: (target: string) => string,
  code: string,
  message: RegExp,
])[] = [
  ...['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders', 'Signature'].flatMap(
    name =>
      [
        [
          `no ${name}`,
          (target: string) => target.replace(new RegExp(`&X-Amz-${name}=[^&]*`), ''),
          'AuthorizationQueryParametersError',
          /requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature/,
        ],
        [
          `${name} twice`,
          (target: string) => `${target}&x-amz-${name.toLowerCase()}=a`,
          'AuthorizationQueryParametersError',
          /requires the/,
        ],
      ] as const,
  ),
  ['SigV4A', s => s.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256'), 'NotImplemented', /./],
  [
    'another algorithm',
    s => s.replace('AWS4-HMAC-SHA256', 'AWS4'),
    'AuthorizationQueryParametersError',
    /X-Amz-Algorithm only supports/,
  ],
  [
    'a malformed date',
    s => s.replace('20130524T000000Z', '20130524'),
    'AuthorizationQueryParametersError',
    /ISO8601/,
  ],
  [
    'another day',
    s => s.replace('%2F20130524%2F', '%2F20130523%2F'),
    'AuthorizationQueryParametersError',
    /credential date/,
  ],
  [
    'another service',
    s => s.replace('%2Fs3%2F', '%2Fsts%2F'),
    'AuthorizationQueryParametersError',
    /incorrect service/,
  ],
  [
    'an unknown access key id',
    s => s.replace(EXAMPLE_KEY.accessKeyId, 'NOBODY'),
    'InvalidAccessKeyId',
    /./,
  ],
  ['another expiry', s => s.replace('Expires=600', 'Expires=601'), 'SignatureDoesNotMatch', /./],
  [
    'another signature',
    s => `${s.slice(0, -1)}${s.endsWith('0') ? '1' : '0'}`,
    'SignatureDoesNotMatch',
    /./,
  ],
  ['another parameter', s => `${s}&partNumber=1`, 'SignatureDoesNotMatch', /./],
  ['a session token', s => `${s}&X-Amz-Security-Token=token`, 'InvalidToken', /./],
]

t.test('malformed or wrong parameters are refused in the words of AWS', async t => {
  for (const [name, change, code, message] of FAULTS) {
    t.match(refuse({ ...GET, target: change(SIGNED) }), { code, message }, name)
  }
})

t.test('headers that are not signed are refused, SSE-C ones among them', async t => {
  const header = 'x-amz-server-side-encryption-customer-key'
  const { target } = signInQuery(PUT, { signedHeaders: ['host'] })
  const rawHeaders = [...PUT.rawHeaders, header, 'a']
  t.match(refuse({ ...PUT, target, rawHeaders }), {
    code: 'AccessDenied',
    details: { HeadersNotSigned: header },
  })
})

t.test('hoisted headers are headers again, as the bytes of their text', async t => {
  const hoisted = [
    'x-amz-acl=private',
    `X-Amz-Meta-Name=${encodeURIComponent('naïve')}`,
    'x-amz-server-side-encryption-customer-algorithm=AES256',
    'x-amz-checksum-algorithm=CRC32',
    'x-id=PutObject',
  ].join('&')
  const { headers, query } = accept(signInQuery(withParameters(PUT, hoisted)))
  t.strictSame(query, [{ name: 'x-id', value: 'PutObject' }])
  t.strictSame(Object.fromEntries(headers), {
    host: 'localhost',
    'x-amz-acl': 'private',
    'x-amz-meta-name': Buffer.from('naïve').toString('latin1'),
    'x-amz-server-side-encryption-customer-algorithm': 'AES256',
    'x-amz-checksum-algorithm': 'CRC32',
  })
})

t.test(
  "a hoisted checksum is the presigner's of an empty body, and counts for nothing",
  async t => {
    const hoisted = 'x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32'
    const { headers, query, payload } = accept(signInQuery(withParameters(PUT, hoisted)))
    t.strictSame([...headers.keys()], ['host'])
    t.strictSame(query, [])
    t.equal(payload?.filter, undefined)
  },
)

t.test(
  'a hoisted copy source makes the request the copy that a provider would take it for',
  async t => {
    const copy: WireRequest = { ...PUT, rawHeaders: ['Host', 'localhost', 'Content-Length', '0'] }
    const signed = signInQuery(withParameters(copy, 'x-amz-copy-source=other%2Fkey'))
    t.equal(requestOf(signed).operation.name, 'PutObject')
    const { operation, headers, payload } = accept(signed)
    t.equal(operation.name, 'CopyObject')
    t.equal(headers.get('x-amz-copy-source'), 'other/key')
    t.equal(payload, undefined)
  },
)

t.test('a header that is hoisted, too, or hoisted twice, is refused as S3 refuses it', async t => {
  const request = withParameters(PUT, 'x-amz-acl=private')
  const both = { ...request, rawHeaders: [...PUT.rawHeaders, 'x-amz-acl', 'private'] }
  t.equal(refuse(signInQuery(both)).code, 'SignatureDoesNotMatch')
  const twice = withParameters(request, 'X-Amz-Acl=private')
  t.equal(refuse(signInQuery(twice)).code, 'SignatureDoesNotMatch')
})

t.test('a hoisted header that could smuggle another is refused', async t => {
  for (const hoisted of [
    'x-amz-meta-a=b%0D%0Ax-amz-acl:c',
    'x-amz-meta-a=%00',
    'x-amz-meta-%0Aa=b',
  ]) {
    t.equal(refuse(signInQuery(withParameters(PUT, hoisted))).code, 'InvalidArgument', hoisted)
  }
})

t.test('the payload hash is unsigned, or what the query or a signed header says', async t => {
  const hash = '88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589'
  const inQuery = withParameters(PUT, `X-Amz-Content-Sha256=${hash}`)
  const inHeader = { ...PUT, rawHeaders: [...PUT.rawHeaders, 'x-amz-content-sha256', hash] }
  for (const request of [inQuery, inHeader]) {
    const { payload, headers, query } = accept(signInQuery(request, { payloadHash: hash }))
    t.equal(payload?.hash, hash)
    t.notOk(headers.has('x-amz-content-sha256'))
    t.strictSame(query, [])
    if (payload?.filter === undefined) throw new Error('the payload is not checked')
    t.equal(runFilter(payload.filter, [Buffer.from('abcd')]).code, undefined)
  }
  t.equal(accept(signInQuery(PUT)).payload?.hash, 'UNSIGNED-PAYLOAD')
  t.equal(refuse(signInQuery(PUT, { payloadHash: EMPTY_SHA256 })).code, 'SignatureDoesNotMatch')
})
