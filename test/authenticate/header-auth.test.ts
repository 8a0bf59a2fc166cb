import t from 'tap'
import { createAuthenticate } from '../../lib/authenticate/authenticate.ts'
import type { S3Error } from '../../lib/s3/error.ts'
import { EMPTY_SHA256 } from '../../lib/s3/payload-hash.ts'
import { createSigningKeys } from '../../lib/sigv4/signature.ts'
import { EXAMPLE_DATE, HEADER_EXAMPLES } from '../vectors/aws-s3-examples.ts'
import { EXAMPLE_KEY, requestOf, runFilter, signingClient, type WireRequest } from './fixtures.ts'
import { DATE, NOW, signInHeader } from './signing.ts'

const OTHER_KEY = { accessKeyId: 'other/with/slashes', secretAccessKey: 'other' }
const authenticate = createAuthenticate(
  [signingClient('example', EXAMPLE_KEY), signingClient('other', OTHER_KEY)],
  createSigningKeys(),
)
const accept = (request: WireRequest, now = NOW) => authenticate(requestOf(request), now)

const GET: WireRequest = {
  method: 'GET',
  target: '/bucket/key',
  rawHeaders: [
    ...['Host', 'localhost', 'x-amz-date', DATE],
    ...['x-amz-content-sha256', EMPTY_SHA256],
  ],
}
const withHeaders = (request: WireRequest, ...rawHeaders: string[]): WireRequest => ({
  ...request,
  rawHeaders: [...request.rawHeaders, ...rawHeaders],
})
const withoutHeader = (request: WireRequest, name: string): WireRequest => {
  const at = request.rawHeaders.indexOf(name)
  return { ...request, rawHeaders: request.rawHeaders.toSpliced(at, 2) }
}
const withAuthorization = (change: (value: string) => string): WireRequest => {
  const signed = signInHeader(GET)
  return {
    ...signed,
    rawHeaders: [...signed.rawHeaders.slice(0, -1), change(signed.rawHeaders.at(-1) ?? '')],
  }
}

t.test("AWS's S3 examples are accepted, and their bodies pass", async t => {
  for (const example of HEADER_EXAMPLES) {
    const authorization = `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${example.signedHeaders},Signature=${example.signature}`
    const { client, payload } = accept(withHeaders(example, 'Authorization', authorization))
    t.equal(client.name, 'example', example.name)
    if (payload?.filter === undefined) continue
    t.equal(
      runFilter(payload.filter, [Buffer.from(example.body)]).released.toString(),
      example.body,
    )
  }
  t.equal(EXAMPLE_DATE, DATE)
})

t.test('each client is found by its access key id, which may have slashes', async t => {
  t.equal(accept(signInHeader(GET)).client.name, 'example')
  t.equal(accept(signInHeader(GET, OTHER_KEY)).client.name, 'other')
})

t.test('the region is whatever the client says', async t => {
  for (const region of ['auto', 'EU', '', 'us-east-1*']) {
    const scope = { date: '20130524', region, service: 's3' }
    t.equal(accept(signInHeader(GET, { scope })).client.name, 'example', region)
  }
})

t.test('the components of the header may stand in any order, with any space', async t => {
  const shuffled = withAuthorization(value => {
    const [credential = '', signedHeaders = '', signature = ''] = value.slice(17).split(', ')
    return `AWS4-HMAC-SHA256  ${signature},${credential} , ${signedHeaders}`
  })
  t.equal(accept(shuffled).client.name, 'example')
})

t.test('signed headers count as signed in any order and case', async t => {
  const listed = withAuthorization(value =>
    value.replace('host;x-amz-content-sha256;x-amz-date', 'X-Amz-Date;Host;x-amz-content-sha256'),
  )
  t.equal(accept(listed).client.name, 'example')
})

const refuse = (request: WireRequest, now = NOW): Partial<S3Error> => {
  try {
    accept(request, now)
  } catch (error) {
    const { code, message, details } = error as S3Error
    return { code, message, details }
  }
  return {}
}

const AUTHORIZATION_FAULTS: readonly (readonly [
  name: string,
  change: (value: string) => string,
  code: string,
  message: RegExp,
])[] = [
  [
    'SigV2',
    () => 'AWS AKID:c2lnbmF0dXJl',
    'InvalidRequest',
    /mechanism .* not supported\. Please use AWS4-HMAC-SHA256\./,
  ],
  ['OBS', () => 'OBS AKID:c2lnbmF0dXJl', 'InvalidRequest', /mechanism/],
  ['Basic', () => 'Basic dXNlcjpwYXNz', 'InvalidRequest', /mechanism/],
  ['nothing', () => '', 'InvalidRequest', /mechanism/],
  ['SigV4A', v => v.replace('HMAC-SHA256', 'ECDSA-P256-SHA256'), 'NotImplemented', /./],
  ['no components', () => 'AWS4-HMAC-SHA256 ', 'AuthorizationHeaderMalformed', /three components/],
  [
    'no signature',
    v => v.replace(/, Signature.*/, ''),
    'AuthorizationHeaderMalformed',
    /three components/,
  ],
  [
    'an empty signature',
    v => v.replace(/(Signature=).*/, '$1'),
    'AuthorizationHeaderMalformed',
    /three components/,
  ],
  [
    'a component twice',
    v => `${v}, Signature=a`,
    'AuthorizationHeaderMalformed',
    /three components/,
  ],
  [
    'an unknown component',
    v => `${v}, Other=a`,
    'AuthorizationHeaderMalformed',
    /three components/,
  ],
  ['the header twice', v => `${v},${v}`, 'AuthorizationHeaderMalformed', /three components/],
  [
    'a short scope',
    v => v.replace('/us-east-1', ''),
    'AuthorizationHeaderMalformed',
    /Credential is mal-formed/,
  ],
  [
    'no access key id',
    v => v.replace(EXAMPLE_KEY.accessKeyId, ''),
    'AuthorizationHeaderMalformed',
    /Credential is mal-formed/,
  ],
  [
    'a malformed day',
    v => v.replace('/20130524/', '/2013-05-24/'),
    'AuthorizationHeaderMalformed',
    /Credential is mal-formed/,
  ],
  [
    'another day',
    v => v.replace('/20130524/', '/20130525/'),
    'AuthorizationHeaderMalformed',
    /Invalid credential date/,
  ],
  [
    'another service',
    v => v.replace('/s3/', '/ec2/'),
    'AuthorizationHeaderMalformed',
    /incorrect service/,
  ],
  [
    'another terminator',
    v => v.replace('aws4_request', 'aws5_request'),
    'AuthorizationHeaderMalformed',
    /incorrect terminal/,
  ],
  ['another region', v => v.replace('us-east-1', 'us-east-2'), 'SignatureDoesNotMatch', /./],
  [
    'an unknown access key id',
    v => v.replace(EXAMPLE_KEY.accessKeyId, 'NOBODY'),
    'InvalidAccessKeyId',
    /./,
  ],
  [
    "another client's access key id",
    v => v.replace(EXAMPLE_KEY.accessKeyId, OTHER_KEY.accessKeyId),
    'SignatureDoesNotMatch',
    /./,
  ],
  [
    'a header listed twice',
    v => v.replace('host;', 'host;host;'),
    'AuthorizationHeaderMalformed',
    /SignedHeaders/,
  ],
  [
    'an empty header name',
    v => v.replace('host;', 'host;;'),
    'AuthorizationHeaderMalformed',
    /SignedHeaders/,
  ],
  [
    'a header listed that is absent',
    v => v.replace('host;', 'host;range;'),
    'SignatureDoesNotMatch',
    /./,
  ],
  [
    'a signature in capitals',
    v => v.replace(/Signature=.*/, s => s.toUpperCase().replace('SIGNATURE', 'Signature')),
    'SignatureDoesNotMatch',
    /./,
  ],
  ['a shorter signature', v => v.slice(0, -1), 'SignatureDoesNotMatch', /./],
  ['a longer signature', v => `${v}0`, 'SignatureDoesNotMatch', /./],
]

t.test('a malformed or wrong Authorization header is refused in the words of AWS', async t => {
  for (const [name, change, code, message] of AUTHORIZATION_FAULTS) {
    t.match(refuse(withAuthorization(change)), { code, message }, name)
  }
})

t.test('a refusal tells nothing of the signature that was expected', async t => {
  const { details, message } = refuse(withAuthorization(value => value.slice(0, -1)))
  t.strictSame(details, {})
  t.notMatch(message ?? '', /[0-9a-f]{32}/)
})

t.test('the date is x-amz-date, or else Date', async t => {
  const HTTP_DATE = 'Fri, 24 May 2013 00:00:00 GMT'
  const later = withHeaders(GET, 'Date', 'Sat, 25 May 2013 00:00:00 GMT')
  t.equal(accept(signInHeader(later)).client.name, 'example')
  for (const date of [HTTP_DATE, DATE]) {
    const dated = withHeaders(withoutHeader(GET, 'x-amz-date'), 'Date', date)
    t.equal(accept(signInHeader(dated)).client.name, 'example', date)
  }
})

t.test('a request without a valid date is refused', async t => {
  const undated = withoutHeader(GET, 'x-amz-date')
  for (const request of [
    undated,
    withHeaders(undated, 'Date', 'yesterday'),
    withHeaders(undated, 'Date', '2013-05-24'),
    withHeaders(undated, 'x-amz-date', ''),
    withHeaders(
      undated,
      'x-amz-date',
      '2013-05-24T00:00:00Z',
      'Date',
      'Fri, 24 May 2013 00:00:00 GMT',
    ),
    withHeaders(GET, 'x-amz-date', DATE),
  ]) {
    t.match(refuse(signInHeader(request)), {
      code: 'AccessDenied',
      message: 'AWS authentication requires a valid Date or x-amz-date header.',
    })
  }
})

t.test('clocks may differ by fifteen minutes, either way', async t => {
  const minutes = (count: number): Date => new Date(NOW.getTime() + count * 60_000)
  const signed = signInHeader(GET)
  for (const count of [-15, 0, 15]) t.equal(accept(signed, minutes(count)).client.name, 'example')
  for (const count of [-15.1, 15.1, 10_000]) {
    t.match(refuse(signed, minutes(count)), {
      code: 'RequestTimeTooSkewed',
      details: {
        RequestTime: DATE,
        ServerTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
        MaxAllowedSkewMilliseconds: '900000',
      },
    })
  }
})

t.test('host and every header that a provider acts upon must be signed', async t => {
  for (const [name, value] of [
    ['host', 'localhost'],
    ['x-amz-acl', 'public-read'],
    ['x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ['x-obs-acl', 'public-read'],
    ['x-bz-info-a', 'b'],
    ['x-goog-acl', 'public-read'],
    ['x-cos-acl', 'public-read'],
    ['opc-meta-a', 'b'],
  ] as const) {
    const signedHeaders = ['host', 'x-amz-content-sha256', 'x-amz-date'].filter(
      each => each !== name,
    )
    const request = name === 'host' ? GET : withHeaders(GET, name, value)
    t.match(refuse(signInHeader(request, { signedHeaders })), {
      code: 'AccessDenied',
      message: 'There were headers present in the request which were not signed',
      details: { HeadersNotSigned: name },
    })
  }
})

t.test('other headers need not be signed', async t => {
  const request = withHeaders(GET, 'x-amzn-trace-id', 'a', 'User-Agent', 'b', 'Content-MD5', 'c')
  const signedHeaders = ['host', 'x-amz-content-sha256', 'x-amz-date']
  t.equal(accept(signInHeader(request, { signedHeaders })).client.name, 'example')
})

t.test('a header that is signed as empty must be there', async t => {
  const signedHeaders = ['host', 'range', 'x-amz-content-sha256', 'x-amz-date']
  t.equal(refuse(signInHeader(GET, { signedHeaders })).code, 'SignatureDoesNotMatch')
  t.equal(
    accept(signInHeader(withHeaders(GET, 'Range', ''), { signedHeaders })).client.name,
    'example',
  )
})

t.test('headers of one hop are verified as sent when they are signed', async t => {
  const request = withHeaders(
    GET,
    'Expect',
    '100-continue',
    'Connection',
    'close',
    'Content-Length',
    '0',
  )
  const { headers } = accept(signInHeader(request))
  t.notOk(headers.has('expect'))
  t.notOk(headers.has('content-length'))
})

t.test('the payload hash must be there', async t => {
  t.match(refuse(signInHeader(withoutHeader(GET, 'x-amz-content-sha256'))), {
    code: 'InvalidRequest',
    message: 'Missing required header for this request: x-amz-content-sha256',
  })
})

t.test('a session token is refused: the proxy issues none', async t => {
  for (const name of ['x-amz-security-token', 'x-amz-s3session-token']) {
    t.equal(refuse(signInHeader(withHeaders(GET, name, 'token'))).code, 'InvalidToken')
    t.equal(refuse(signInHeader({ ...GET, target: `/b/k?${name}=token` })).code, 'InvalidToken')
  }
})

t.test('UTF-8 metadata is signed by its bytes', async t => {
  const value = Buffer.from('naïve à la Ωmega').toString('latin1')
  const { headers } = accept(signInHeader(withHeaders(GET, 'x-amz-meta-a', value)))
  t.equal(headers.get('x-amz-meta-a'), value)
})

t.test('a path counts as signed with its characters escaped as AWS escapes them', async t => {
  for (const [sent, signed] of [
    ["/bucket/a!b*c'(d)e", '/bucket/a%21b%2Ac%27%28d%29e'],
    ['/bucket/a+b:c@d', '/bucket/a%2Bb%3Ac%40d'],
    ['/bucket/%7e%c3%a9', '/bucket/~%C3%A9'],
    [`/bucket/${Buffer.from('é').toString('latin1')}`, '/bucket/%C3%A9'],
    ['/bucket//a/../b/./c%2Fd', '/bucket//a/../b/./c%2Fd'],
  ] as const) {
    const { rawHeaders } = signInHeader({ ...GET, target: signed })
    t.equal(accept({ ...GET, target: sent, rawHeaders }).client.name, 'example', sent)
    t.equal(accept(signInHeader({ ...GET, target: sent })).client.name, 'example', sent)
  }
})

t.test('an escaped slash is not a slash', async t => {
  const { rawHeaders } = signInHeader({ ...GET, target: '/bucket/a/b' })
  t.equal(refuse({ ...GET, target: '/bucket/a%2Fb', rawHeaders }).code, 'SignatureDoesNotMatch')
})

t.test('a literal + in a query is what the client signed it as', async t => {
  for (const [escaped, value] of [
    ['%2B', 'a+b'],
    ['%20', 'a b'],
  ] as const) {
    const { rawHeaders } = signInHeader({
      ...GET,
      target: `/bucket?prefix=a${escaped}b&list-type=2`,
    })
    const { query } = accept({ ...GET, target: '/bucket?prefix=a+b&list-type=2', rawHeaders })
    t.strictSame(query, [
      { name: 'prefix', value },
      { name: 'list-type', value: '2' },
    ])
  }
  const { rawHeaders } = signInHeader({ ...GET, target: '/bucket?prefix=a-b' })
  t.equal(
    refuse({ ...GET, target: '/bucket?prefix=a+b', rawHeaders }).code,
    'SignatureDoesNotMatch',
  )
})

t.test('a signature in both places is refused', async t => {
  const target = '/bucket/key?X-Amz-Signature=a'
  t.match(refuse(signInHeader({ ...GET, target })), {
    code: 'InvalidArgument',
    message: /^Only one auth mechanism allowed/,
    details: { ArgumentName: 'Authorization' },
  })
})
