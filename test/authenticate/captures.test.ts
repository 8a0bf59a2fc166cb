import t from 'tap'
import type { AuthenticatedRequest } from '../../lib/authenticate/authenticate.ts'
import { createAuthenticate } from '../../lib/authenticate/authenticate.ts'
import { S3Error } from '../../lib/s3/error.ts'
import { parseAmzDate } from '../../lib/sigv4/scope.ts'
import { createSigningKeys } from '../../lib/sigv4/signature.ts'
import {
  CAPTURE_KEY,
  CAPTURE_OBS_KEY,
  type Capture,
  captureFiles,
  captureText,
  readCaptures,
} from '../captures.ts'
import { requestOf, runFilter, signingClient, type WireRequest } from './fixtures.ts'

const authenticate = createAuthenticate(
  [signingClient('capture', CAPTURE_KEY), signingClient('obs', CAPTURE_OBS_KEY)],
  createSigningKeys(),
)

const headerOf = ({ rawHeaders }: WireRequest, name: string): string | undefined =>
  rawHeaders[rawHeaders.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === name) + 1]

const parameterOf = ({ target }: WireRequest, name: string): string | undefined =>
  new URLSearchParams(target.split('?')[1]).get(name) ?? undefined

const hasHeader = (request: WireRequest, name: string): boolean =>
  request.rawHeaders.some((each, i) => i % 2 === 0 && each.toLowerCase() === name)

const isSigV4 = (capture: Capture): boolean =>
  capture.target.includes('X-Amz-Signature=') ||
  (hasHeader(capture, 'authorization') &&
    headerOf(capture, 'authorization')?.startsWith('AWS4-HMAC-SHA256') === true)

const signedAt = (request: WireRequest): Date => {
  const text = hasHeader(request, 'x-amz-date')
    ? headerOf(request, 'x-amz-date')
    : parameterOf(request, 'X-Amz-Date')
  return parseAmzDate(text ?? '') ?? new Date(0)
}

const accept = (request: WireRequest, now: Date = signedAt(request)): AuthenticatedRequest =>
  authenticate(requestOf(request), now)

// Also of the parsers before authentication: an unknown sub-resource, a broken escape.
const refusal = (request: WireRequest, now: Date): string => {
  try {
    accept(request, now)
    return 'accepted'
  } catch (error) {
    return error instanceof S3Error ? error.code : String(error)
  }
}

const captures = captureFiles()
  .filter(file => file.endsWith('.txt'))
  .flatMap(readCaptures)
  .filter(isSigV4)

// A stream whose length nobody knows: S3 wants it said.
const withoutLength = (capture: Capture): boolean =>
  hasHeader(capture, 'transfer-encoding') && !hasHeader(capture, 'x-amz-decoded-content-length')
const known = captures.filter(capture => !withoutLength(capture))

t.test('the captures are all there', async t => {
  t.equal(captures.length, 90)
  t.equal(known.length, 89)
})

t.test(
  'each SigV4 capture is accepted as recorded, and nothing of its signature travels on',
  async t => {
    const ended = ['authorization', 'x-amz-date', 'x-amz-content-sha256', 'expect', 'x-amz-trailer']
    for (const capture of known) {
      const request = accept(capture)
      t.equal(request.client.name, 'capture', capture.name)
      t.notOk(
        request.query.some(({ name }) => /^x-amz-/i.test(name)),
        capture.name,
      )
      t.notOk(
        ended.some(name => request.headers.has(name)),
        capture.name,
      )
      t.notMatch(request.headers.get('content-encoding') ?? '', 'aws-chunked', capture.name)
    }
  },
)

t.test('a capture without a length is refused as S3 refuses it', async t => {
  const unknown = captures.filter(withoutLength)
  t.strictSame(
    unknown.map(capture => refusal(capture, signedAt(capture))),
    ['MissingContentLength'],
  )
})

t.test('a body that a capture has whole passes its checks', async t => {
  const whole = known.filter(({ printedBody, bodyLength }) => printedBody.length === bodyLength)
  const checked = whole.flatMap(capture => {
    const filter = accept(capture).payload?.filter
    return filter === undefined ? [] : [{ capture, filter }]
  })
  t.ok(checked.length > 20)
  for (const { capture, filter } of checked) {
    const { released, code } = runFilter(filter, [Buffer.from(capture.printedBody)])
    t.equal(code, undefined, capture.name)
    t.equal(released.toString(), capture.printedBody, capture.name)
  }
})

/** `text` with one byte other than it was, for each byte of it. */
const changes = (text: string): readonly string[] =>
  [...text].map((character, at) => {
    const other = String.fromCharCode(character.charCodeAt(0) ^ 1)
    return text.slice(0, at) + other + text.slice(at + 1)
  })

const signedHeaders = (capture: Capture): readonly string[] =>
  (
    parameterOf(capture, 'X-Amz-SignedHeaders') ??
    /SignedHeaders=([^,]*)/.exec(headerOf(capture, 'authorization') ?? '')?.[1] ??
    ''
  ).split(';')

const withHeader = (capture: Capture, name: string, value: string): WireRequest => ({
  ...capture,
  rawHeaders: capture.rawHeaders.map((each, i, all) =>
    i % 2 === 1 && all[i - 1]?.toLowerCase() === name ? value : each,
  ),
})

const changedHeaders = (capture: Capture, name: string): readonly WireRequest[] =>
  changes(headerOf(capture, name) ?? '').map(value => withHeader(capture, name, value))

t.test('a capture with any one byte of a signed header changed is refused', async t => {
  for (const capture of known) {
    const now = signedAt(capture)
    // A changed date or host may be refused for more reasons than one.
    const names = signedHeaders(capture).filter(name => name !== 'x-amz-date' && name !== 'host')
    const codes = names
      .flatMap(name => changedHeaders(capture, name))
      .map(each => refusal(each, now))
    t.notOk(
      codes.some(code => code !== 'SignatureDoesNotMatch'),
      capture.name,
    )
    const others = ['x-amz-date', 'host', 'authorization'].filter(name => hasHeader(capture, name))
    const loose = others.flatMap(name => changedHeaders(capture, name))
    t.ok(loose.length > 0, capture.name)
    t.notOk(
      loose.some(each => refusal(each, now) === 'accepted'),
      capture.name,
    )
  }
})

t.test('a capture with any one byte of its path or query changed is refused', async t => {
  for (const capture of known) {
    const now = signedAt(capture)
    for (const target of changes(capture.target)) {
      t.not(refusal({ ...capture, target }, now), 'accepted', target)
    }
  }
})

t.test('a capture with another method is refused', async t => {
  for (const capture of known) {
    for (const method of ['GET', 'HEAD', 'PUT', 'POST', 'DELETE']) {
      if (method === capture.method) continue
      t.match(
        refusal({ ...capture, method }, signedAt(capture)),
        /^(SignatureDoesNotMatch|MethodNotAllowed)$/,
        `${method} ${capture.name}`,
      )
    }
  }
})

t.test('a capture less one signed header is refused', async t => {
  for (const capture of known) {
    for (const name of signedHeaders(capture).filter(each => each !== 'host')) {
      const at = capture.rawHeaders.findIndex(
        (each, i) => i % 2 === 0 && each.toLowerCase() === name,
      )
      const rawHeaders = capture.rawHeaders.toSpliced(at, 2)
      t.not(refusal({ ...capture, rawHeaders }, signedAt(capture)), 'accepted', capture.name)
    }
  }
})

t.test('the presigned URLs that clients printed are accepted', async t => {
  const urls = captureFiles().flatMap(file =>
    [...captureText(file).matchAll(/https?:\/\/[^\s"]*X-Amz-Signature=[^\s"]*/g)].map(
      ([url]) => url,
    ),
  )
  t.equal(urls.length, 17)
  for (const url of urls) {
    const [, host = '', target = ''] = /^https?:\/\/([^/]*)(.*)$/.exec(url) ?? []
    const names = parameterOf({ method: 'GET', target, rawHeaders: [] }, 'X-Amz-SignedHeaders')
    const sse = names?.includes('x-obs-') ? [names.split(';')[1] ?? '', 'AES256'] : []
    const requests = ['GET', 'PUT'].map(method => ({
      method,
      target,
      rawHeaders: ['Host', host, 'Content-Length', '0', ...sse],
    }))
    const codes = requests.map(request => refusal(request, signedAt(request)))
    t.strictSame(codes.toSorted(), ['SignatureDoesNotMatch', 'accepted'], url)
  }
})
