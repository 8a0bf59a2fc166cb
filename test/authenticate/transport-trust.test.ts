import t from 'tap'
import { createAuthenticate } from '../../lib/authenticate/authenticate.ts'
import type { Client, ClientProof } from '../../lib/authenticate/client.ts'
import type { S3Error } from '../../lib/s3/error.ts'
import type { Peer } from '../../lib/s3/request.ts'
import { createSigningKeys } from '../../lib/sigv4/signature.ts'
import {
  clientOf,
  EXAMPLE_KEY,
  requestOf,
  runFilter,
  signingClient,
  type WireRequest,
} from './fixtures.ts'
import { frameUnsigned } from './framing.ts'
import { NOW, signInHeader, signInQuery } from './signing.ts'

const CLIENTS: Readonly<Record<string, Client>> = {
  signature: signingClient('signature', EXAMPLE_KEY),
  ...Object.fromEntries(
    (
      [
        ['anonymous', { kind: 'anonymous' }],
        ['loopback', { kind: 'loopback' }],
        ['unix', { kind: 'unix' }],
        ['alice', { kind: 'tlsSubject', subject: 'alice' }],
        ['bob', { kind: 'tlsSubject', subject: 'bob' }],
      ] satisfies readonly (readonly [string, ClientProof])[]
    ).map(([name, proof]) => [name, clientOf(name, proof)]),
  ),
}
const clients = (...names: readonly string[]): Client[] =>
  Object.values(CLIENTS).filter(({ name }) => names.includes(name))
const ALL = clients(...Object.keys(CLIENTS))

const GET: WireRequest = { method: 'GET', target: '/b/k', rawHeaders: ['Host', 'localhost'] }
const PUT: WireRequest = {
  method: 'PUT',
  target: '/b/k',
  rawHeaders: ['Host', 'localhost', 'Content-Length', '4'],
}
const from = (request: WireRequest, peer: Partial<Peer>): WireRequest => ({ ...request, peer })

const accept = (among: readonly Client[], request: WireRequest) =>
  createAuthenticate(among, createSigningKeys())(requestOf(request), NOW)
const nameOf = (among: readonly Client[], request: WireRequest): string => {
  try {
    return accept(among, request).client.name
  } catch (error) {
    return (error as S3Error).code
  }
}

t.test('an unsigned request is of the most specific client that its way vouches for', async t => {
  const cases: readonly (readonly [peer: Partial<Peer>, name: string])[] = [
    [{}, 'anonymous'],
    [{ loopback: true }, 'loopback'],
    [{ transport: 'unix' }, 'unix'],
    [{ tlsSubject: 'alice' }, 'alice'],
    [{ tlsSubject: 'bob', loopback: true }, 'bob'],
    [{ tlsSubject: 'carol' }, 'anonymous'],
    [{ tlsSubject: 'carol', loopback: true }, 'loopback'],
    [{ tlsSubject: 'alice', transport: 'unix' }, 'alice'],
  ]
  for (const [peer, name] of cases) t.equal(nameOf(ALL, from(GET, peer)), name)
})

t.test('without such a client an unsigned request is refused', async t => {
  t.equal(nameOf(clients('signature'), from(GET, { loopback: true })), 'AccessDenied')
  t.equal(nameOf(clients('loopback'), from(GET, { transport: 'unix' })), 'AccessDenied')
  t.equal(nameOf(clients('unix'), from(GET, { loopback: true })), 'AccessDenied')
  t.equal(nameOf(clients('alice'), from(GET, { tlsSubject: 'Alice' })), 'AccessDenied')
  t.equal(nameOf([], GET), 'AccessDenied')
})

t.test('a signature must verify, whatever the way', async t => {
  const peer = { loopback: true, transport: 'unix', tlsSubject: 'alice' } as const
  const unknown = { accessKeyId: 'NOBODY', secretAccessKey: 'x' }
  const headers = [...GET.rawHeaders, 'x-amz-date', '20130524T000000Z']
  const dated = { ...GET, rawHeaders: [...headers, 'x-amz-content-sha256', 'UNSIGNED-PAYLOAD'] }
  t.equal(nameOf(ALL, from(signInHeader(dated), peer)), 'signature')
  t.equal(nameOf(ALL, from(signInHeader(dated, unknown), peer)), 'InvalidAccessKeyId')
  t.equal(nameOf(ALL, from(signInQuery(GET, unknown), peer)), 'InvalidAccessKeyId')
  const rawHeaders = [...GET.rawHeaders, 'Authorization', 'Basic YTpi']
  t.equal(nameOf(ALL, from({ ...GET, rawHeaders }, peer)), 'InvalidRequest')
  t.equal(
    nameOf(ALL, from({ ...GET, target: '/b/k?X-Amz-Expires=1' }, peer)),
    'AuthorizationQueryParametersError',
  )
})

t.test('an unsigned body passes unchecked, a hashed one is checked', async t => {
  t.strictSame(accept(ALL, PUT).payload, {
    length: 4,
    hash: 'UNSIGNED-PAYLOAD',
    filter: undefined,
    trailer: undefined,
  })
  const hashed = { ...PUT, rawHeaders: [...PUT.rawHeaders, 'x-amz-content-sha256', 'f'.repeat(64)] }
  const { payload } = accept(ALL, hashed)
  if (payload?.filter === undefined) throw new Error('the payload is not checked')
  t.equal(runFilter(payload.filter, [Buffer.from('abcd')]).code, 'XAmzContentSHA256Mismatch')
})

const streaming = (mode: string): WireRequest => ({
  method: 'PUT',
  target: '/b/k',
  rawHeaders: [
    ...['Host', 'localhost', 'x-amz-decoded-content-length', '4', 'Transfer-Encoding', 'chunked'],
    ...['x-amz-content-sha256', mode],
  ],
})

t.test('a body with signed chunks needs a signed head', async t => {
  for (const suffix of ['', '-TRAILER']) {
    const request = streaming(`STREAMING-AWS4-HMAC-SHA256-PAYLOAD${suffix}`)
    t.throws(() => accept(ALL, request), {
      code: 'InvalidRequest',
      message: /^Anonymous requests don't support this x-amz-content-sha256 value\./,
    })
  }
  const { payload } = accept(ALL, streaming('STREAMING-UNSIGNED-PAYLOAD-TRAILER'))
  if (payload?.filter === undefined) throw new Error('the payload is not decoded')
  const wire = frameUnsigned([Buffer.from('abcd'), Buffer.alloc(0)])
  t.equal(runFilter(payload.filter, [wire]).released.toString(), 'abcd')
})

t.test('hoisted headers of an unsigned request are headers, too', async t => {
  const { headers, query } = accept(ALL, { ...GET, target: '/b/k?x-amz-checksum-mode=ENABLED' })
  t.equal(headers.get('x-amz-checksum-mode'), 'ENABLED')
  t.strictSame(query, [])
})
