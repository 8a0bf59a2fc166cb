import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { sealListedUploadId, sealUploadId } from '../../lib/ssec/upload-id.ts'
import { type Received, send } from '../support/client.ts'
import { keyring, type ProxyOptions, type RunningProxy, startProxy } from '../support/proxy.ts'
import {
  type Answer,
  echoOf,
  type Seen,
  startUpstream,
  type Upstream,
} from '../support/upstream.ts'
import { MAIN_NEW, MAIN_OLD, OTHER, RULES, textOf, tripleOf } from './stage.ts'

/*
 * Which copies are left to which provider, and what is made of its answers: against an upstream that is told what to
 * answer, for what Ceph RGW 16 and MinIO answer no other server does.
 */

const MAIN = keyring('main', 'v2', 'v1')
const KEYRINGS = [MAIN, keyring('other', 'w1')]
const KEY = 'x-amz-server-side-encryption-customer-key'
const SOURCE = 'x-amz-copy-source-server-side-encryption'

/** What a request is, in one word or two. */
const kindOf = ({ method, target, headers }: Seen): string => {
  const [, query = ''] = target.split('?')
  const copy = headers['x-amz-copy-source'] === undefined ? '' : 'COPY '
  const what = ['tagging', 'uploads', 'partNumber', 'uploadId'].find(name => query.includes(name))
  return `${copy}${method}${what === undefined ? '' : ` ${what}`}`
}

const error = (status: number, code: string, message = ''): Answer => ({
  status,
  body: `<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
})

const result = (etag: string): Answer => ({
  body: `<CopyObjectResult><ETag>${etag}</ETag></CopyObjectResult>`,
})

type Answers = Readonly<Record<string, Answer | ((seen: Seen) => Answer)>>

const withLength = ({ headers, body = '', ...answer }: Answer): Answer => ({
  ...answer,
  headers: { 'content-length': String(Buffer.byteLength(body)), ...headers },
  body,
})

/** An upstream that answers by kind; what it has no answer for it takes, and echoes. */
const startScripted = async (
  t: Test,
  answers: Answers,
  options: Omit<ProxyOptions, 'upstream'>,
): Promise<{ readonly upstream: Upstream; readonly proxy: RunningProxy; kinds(): string[] }> => {
  const upstream = await startUpstream(t, seen => {
    const answer = answers[kindOf(seen)]
    if (typeof answer === 'function') return withLength(answer(seen))
    return withLength(answer ?? { headers: { etag: '"e"', ...echoOf(seen) } })
  })
  const proxy = await startProxy(t, {
    upstream: upstream.origin,
    rules: RULES,
    keyrings: KEYRINGS,
    ...options,
  })
  return { upstream, proxy, kinds: () => upstream.seen.map(kindOf) }
}

const copy = (
  { origin }: RunningProxy,
  source: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Received> =>
  send(origin, { method: 'PUT', path, headers: { 'x-amz-copy-source': source, ...headers } })

const copyPart = ({ origin }: RunningProxy, source: string, uploadId: string): Promise<Received> =>
  send(origin, {
    method: 'PUT',
    path: '/main/k',
    query: { partNumber: '1', uploadId },
    headers: { 'x-amz-copy-source': source },
  })

const PLACE = { bucket: 'main', objectKey: 'k' }
const NEW_UPLOAD = sealUploadId(MAIN, 'v2', PLACE, 'up')
const OLD_UPLOAD = sealUploadId(MAIN, 'v1', PLACE, 'up')
const LISTED_UPLOAD = sealListedUploadId(MAIN, PLACE, 'up')

const WRONG_KEY = error(
  400,
  'InvalidArgument',
  'The calculated MD5 hash of the key did not match the hash that was provided.',
)

/** A read of an object that has one key, as RGW answers it. */
const encryptedWith =
  (name: string) =>
  (seen: Seen): Answer =>
    seen.headers[KEY] === tripleOf(name)[KEY]
      ? { headers: { etag: '"src"', ...echoOf(seen) }, body: 'source' }
      : { ...WRONG_KEY, headers: { 'content-type': 'application/xml' } }

/** A read of a plaintext object: RGW takes no notice of the key. */
const PLAINTEXT: Answer = { headers: { etag: '"src"' }, body: 'source' }

t.test('Ceph RGW 16 copies what no key takes part in', async t => {
  const { proxy, kinds } = await startScripted(t, {}, { provider: 'ceph' })
  t.equal((await copy(proxy, 'plain/a', '/plain/b')).status, 200)
  t.strictSame(kinds(), ['COPY PUT'])
})

t.test('Ceph RGW 16 is not asked for what it stores in plaintext or refuses', async t => {
  for (const [source, path] of [
    ['plain/a', '/main/b'],
    ['main/a', '/plain/b'],
    ['main/a', '/main/b'],
    ['other/a', '/main/b'],
  ] as const) {
    const { proxy, kinds } = await startScripted(
      t,
      {
        GET: { headers: { etag: '"src"' }, body: 'source' },
        'GET tagging': { body: '<Tagging/>' },
      },
      { provider: 'ceph' },
    )
    t.equal((await copy(proxy, source, path)).status, 200)
    t.strictSame(kinds(), ['GET', 'GET tagging', 'PUT'], `${source} → ${path}`)
  }
})

t.test('Ceph RGW 16 copies parts that have their upload’s key, and plaintext ones', async t => {
  const cases = [
    ['the upload’s key', encryptedWith(MAIN_NEW), NEW_UPLOAD, 'a', ['HEAD', 'COPY PUT partNumber']],
    [
      'its older key',
      encryptedWith(MAIN_OLD),
      OLD_UPLOAD,
      'a',
      ['HEAD', 'HEAD', 'COPY PUT partNumber'],
    ],
    ['plaintext', PLAINTEXT, NEW_UPLOAD, 'a', ['HEAD', 'COPY PUT partNumber']],
    [
      'another key',
      encryptedWith(MAIN_OLD),
      NEW_UPLOAD,
      'a',
      ['HEAD', 'HEAD', 'GET', 'PUT partNumber'],
    ],
    [
      'an upload out of a listing',
      encryptedWith(MAIN_NEW),
      LISTED_UPLOAD,
      'a',
      ['GET', 'PUT partNumber'],
    ],
    // It would look for the object key `aA`.
    [
      'a % in the object key',
      encryptedWith(MAIN_NEW),
      NEW_UPLOAD,
      'a%2541',
      ['GET', 'PUT partNumber'],
    ],
  ] as const
  for (const [name, source, uploadId, objectKey, expected] of cases) {
    const { proxy, kinds, upstream } = await startScripted(
      t,
      { GET: source, HEAD: source, 'COPY PUT partNumber': result('e') },
      { provider: 'ceph' },
    )
    const copied = await copyPart(proxy, `main/${objectKey}`, uploadId)
    t.match(copied, { status: 200, text: /<ETag>/ }, name)
    t.strictSame(kinds(), expected, name)
    const key = uploadId === OLD_UPLOAD ? MAIN_OLD : MAIN_NEW
    t.equal(upstream.seen.at(-1)?.headers[KEY], tripleOf(key)[KEY], name)
    t.equal(upstream.seen.at(-1)?.target, '/main/k?partNumber=1&uploadId=up', name)
  }
})

t.test(
  'Ceph RGW 16 is not let copy plaintext into a part where the rule denies reading it',
  async t => {
    const { proxy, kinds } = await startScripted(t, { HEAD: PLAINTEXT }, { provider: 'ceph' })
    t.match(await copyPart(proxy, 'strict/a', NEW_UPLOAD), { status: 403, text: /strict/ })
    t.strictSame(kinds(), ['HEAD'])
  },
)

t.test('a source that is given another key between two looks is streamed', async t => {
  const { proxy, kinds } = await startScripted(
    t,
    {
      HEAD: encryptedWith(MAIN_NEW),
      GET: encryptedWith(MAIN_OLD),
      'COPY PUT partNumber': WRONG_KEY,
    },
    { provider: 'ceph' },
  )
  t.equal((await copyPart(proxy, 'main/a', NEW_UPLOAD)).status, 200)
  t.strictSame(kinds(), ['HEAD', 'COPY PUT partNumber', 'GET', 'GET', 'PUT partNumber'])
})

t.test('a newer release that copies everything is told apart by the configuration', async t => {
  const { proxy, kinds } = await startScripted(t, {}, { provider: 'ceph', copy: 'full' })
  t.equal((await copy(proxy, 'main/a', '/other/b')).status, 200)
  t.strictSame(kinds(), ['COPY PUT'])
})

t.test('what a provider turns out not to be able to copy is streamed', async t => {
  for (const refusal of [
    error(501, 'NotImplemented'),
    error(400, 'NotImplemented'),
    { status: 501 },
  ]) {
    const { proxy, kinds } = await startScripted(
      t,
      {
        'COPY PUT': refusal,
        GET: encryptedWith(MAIN_NEW),
        'GET tagging': error(501, 'NotImplemented'),
      },
      { provider: 'generic' },
    )
    t.equal((await copy(proxy, 'main/a', '/other/b')).status, 200)
    t.strictSame(kinds(), ['COPY PUT', 'GET', 'GET tagging', 'PUT'])
    t.match(proxy.lines.at(-1), { copy: 'streamed', attempts: 4 })
  }
})

t.test('a provider that ignores the source’s key has its part copies streamed', async t => {
  const { proxy, kinds } = await startScripted(
    t,
    { 'COPY PUT partNumber': WRONG_KEY, GET: encryptedWith(OTHER) },
    { provider: 'generic' },
  )
  t.equal((await copyPart(proxy, 'other/a', NEW_UPLOAD)).status, 200)
  // It is asked with the source's key, and with none.
  const asked = ['COPY PUT partNumber', 'COPY PUT partNumber']
  t.strictSame(kinds(), [...asked, 'GET', 'PUT partNumber'])
})

t.test('other refusals of a provider’s own copy are the client’s to see', async t => {
  for (const refusal of [
    error(403, 'AccessDenied'),
    error(404, 'NoSuchKey'),
    error(503, 'SlowDown'),
  ]) {
    const { proxy, kinds } = await startScripted(
      t,
      { 'COPY PUT': refusal },
      { provider: 'generic' },
    )
    t.match(await copy(proxy, 'main/a', '/other/b'), { status: refusal.status, text: refusal.body })
    t.ok(kinds().every(kind => kind === 'COPY PUT'))
  }
})

t.test('MinIO’s copies, which are not echoed, are confirmed by a look at them', async t => {
  const { proxy, kinds, upstream } = await startScripted(
    t,
    {
      'COPY PUT': result('"made"'),
      HEAD: seen => ({ headers: { etag: '"made"', ...echoOf(seen) } }),
    },
    { provider: 'minio' },
  )
  const copied = await copy(proxy, 'main/a', '/other/b')
  t.match(copied, { status: 200, text: /made/ })
  t.equal(
    copied.headers['x-amz-server-side-encryption-customer-key-md5'],
    tripleOf(OTHER)['x-amz-server-side-encryption-customer-key-md5'],
  )
  t.strictSame(kinds(), ['COPY PUT', 'HEAD'])
  t.match(upstream.seen.at(-1), { target: '/other/b', headers: tripleOf(OTHER) })
})

t.test('of a versioned bucket the very version is looked at', async t => {
  const { proxy, upstream } = await startScripted(
    t,
    {
      'COPY PUT': { ...result('"made"'), headers: { 'x-amz-version-id': 'v/1' } },
      HEAD: seen => ({ headers: { etag: '"made"', ...echoOf(seen) } }),
    },
    { provider: 'minio' },
  )
  t.match(await copy(proxy, 'main/a', '/other/b'), {
    status: 200,
    headers: { 'x-amz-version-id': 'v/1' },
  })
  t.equal(upstream.seen.at(-1)?.target, '/other/b?versionId=v%2F1')
})

t.test('a copy that no look confirms is taken back', async t => {
  const looks: readonly (readonly [string, Answer | ((seen: Seen) => Answer)])[] = [
    ['plaintext', { headers: { etag: '"made"' } }],
    ['refused', { status: 400 }],
    ['another object by now', seen => ({ headers: { etag: '"later"', ...echoOf(seen) } })],
  ]
  for (const [name, look] of looks) {
    const { proxy, kinds } = await startScripted(
      t,
      { 'COPY PUT': result('made'), HEAD: look, DELETE: { status: 204 } },
      { provider: 'generic' },
    )
    const copied = await copy(proxy, 'main/a', '/other/b')
    t.match(copied, { status: 502, text: /UnconfirmedEncryption/ }, name)
    const deletes = name === 'plaintext' ? ['DELETE'] : []
    t.strictSame(kinds(), ['COPY PUT', 'HEAD', 'HEAD', ...deletes], name)
  }
})

t.test('a copy that fails after its 200 is a failure', async t => {
  const late = {
    status: 200,
    body: '<?xml version="1.0"?>\n   <Error><Code>SlowDown</Code></Error>',
  }
  const own = await startScripted(t, { 'COPY PUT': late }, { provider: 'minio' })
  t.match(await copy(own.proxy, 'main/a', '/other/b'), { status: 500, text: /SlowDown/ })
  const parts = await startScripted(
    t,
    {
      GET: encryptedWith(MAIN_NEW),
      'POST uploads': seen => ({ headers: echoOf(seen), body: '<UploadId>up</UploadId>' }),
      'POST uploadId': late,
      'DELETE uploadId': { status: 204 },
    },
    { provider: 'embedded', copy: 'none', copyLimits: { whole: 5, part: 10 } },
  )
  t.match(await copy(parts.proxy, 'main/a', '/other/b'), { status: 500, text: /SlowDown/ })
  t.equal(parts.kinds().at(-1), 'DELETE uploadId')
})

t.test('a part that nobody vouches for is written over, or its upload is taken back', async t => {
  const silent = { GET: encryptedWith(MAIN_NEW), 'COPY PUT partNumber': result('silent') }
  const good = await startScripted(t, silent, { provider: 'generic' })
  const copied = await copyPart(good.proxy, 'main/a', NEW_UPLOAD)
  t.match(copied, { status: 200, text: /<ETag>&quot;e/ }, 'with the ETag of the part that is there')
  t.strictSame(good.kinds(), ['COPY PUT partNumber', 'GET', 'PUT partNumber'])

  for (const failure of [error(500, 'InternalError'), {}]) {
    const answers = { ...silent, 'PUT partNumber': failure, 'DELETE uploadId': { status: 204 } }
    const bad = await startScripted(t, answers, { provider: 'generic' })
    const refused = await copyPart(bad.proxy, 'main/a', NEW_UPLOAD)
    t.match(refused, { status: 502, text: /UnconfirmedEncryption/ })
    t.equal(bad.kinds().at(-1), 'DELETE uploadId')
  }
})

t.test(
  'MinIO echoes neither an upload’s creation nor a part’s copy: the part is streamed',
  async t => {
    const { proxy, kinds } = await startScripted(
      t,
      {
        GET: encryptedWith(MAIN_NEW),
        'POST uploads': { body: '<R><UploadId>up</UploadId></R>' },
      },
      { provider: 'minio' },
    )
    const created = await send(proxy.origin, {
      method: 'POST',
      path: '/main/k',
      query: { uploads: '' },
    })
    t.equal((await copyPart(proxy, 'main/a', textOf(created, 'UploadId') ?? '')).status, 200)
    t.strictSame(kinds(), ['POST uploads', 'GET', 'PUT partNumber'])
  },
)

t.test('a provider that cannot copy at all tells so, where no key takes part', async t => {
  const refusal = error(501, 'NotImplemented')
  const { proxy, kinds } = await startScripted(t, { 'COPY PUT': refusal }, { provider: 'generic' })
  t.equal((await copy(proxy, 'plain/a', '/plain/b')).status, 501)
  t.strictSame(kinds(), ['COPY PUT'])
})

t.test('an upload that forgot its tags is given them', async t => {
  const { proxy, kinds, upstream } = await startScripted(
    t,
    {
      GET: encryptedWith(MAIN_NEW),
      'GET tagging': ({ target }) => ({
        body: target.startsWith('/main/')
          ? '<Tagging><TagSet><Tag><Key>a b</Key><Value>&lt;</Value></Tag></TagSet></Tagging>'
          : '<Tagging><TagSet></TagSet></Tagging>',
      }),
      'POST uploads': seen => ({ headers: echoOf(seen), body: '<UploadId>up</UploadId>' }),
      'POST uploadId': { headers: { 'x-amz-version-id': 'v9' }, body: '<R><ETag>e-1</ETag></R>' },
    },
    { provider: 'ceph', copyLimits: { whole: 5, part: 6 } },
  )
  t.equal((await copy(proxy, 'main/a', '/other/b')).status, 200)
  const parts = ['POST uploads', 'GET', 'PUT partNumber', 'POST uploadId']
  t.strictSame(kinds(), ['GET', 'GET tagging', ...parts, 'GET tagging', 'PUT tagging'])
  const created = upstream.seen.find(seen => kindOf(seen) === 'POST uploads')
  t.equal(created?.headers['x-amz-tagging'], 'a%20b=%3C')
  const written = upstream.seen.at(-1)
  t.equal(written?.target, '/other/b?tagging=&versionId=v9')
  t.match(String(written?.body), '<Tag><Key>a b</Key><Value>&lt;</Value></Tag>')
  const md5 = createHash('md5')
    .update(written?.body ?? '')
    .digest('base64')
  t.equal(written?.headers['content-md5'], md5)
})

t.test('a copy source has one spelling, whatever the client’s', async t => {
  const { proxy, upstream } = await startScripted(t, {}, { provider: 'aws' })
  const spellings = [
    ['plain/a%20b', 'plain/a%20b'],
    ['/plain/a+b', 'plain/a%20b'],
    ['plain%2Fa%2bb', 'plain/a%2Bb'],
    ['plain/%61/../b', 'plain/a/../b'],
    ['plain/a?b', 'plain/a%3Fb'],
    ['plain/caf%C3%A9?versionId=x%2Fy', 'plain/caf%C3%A9?versionId=x%2Fy'],
  ] as const
  for (const [sent, expected] of spellings) {
    await copy(proxy, sent, '/plain/k')
    t.equal(upstream.seen.at(-1)?.headers['x-amz-copy-source'], expected)
  }
})

t.test('an older version is read as such, with the key that it has', async t => {
  const { proxy, upstream } = await startScripted(
    t,
    {
      GET: seen => {
        const answer = encryptedWith(MAIN_OLD)(seen)
        return { ...answer, headers: { ...answer.headers, 'x-amz-version-id': 'v/1' } }
      },
      'GET tagging': {
        body: '<Tagging><TagSet><Tag><Key>a b</Key><Value>&amp;</Value></Tag></TagSet></Tagging>',
      },
      PUT: seen => ({ headers: { etag: '"e"', 'x-amz-version-id': 'v2', ...echoOf(seen) } }),
    },
    { provider: 'ceph' },
  )
  const copied = await copy(proxy, 'main/k?versionId=v%2F1', '/main/k')
  t.match(copied, {
    status: 200,
    headers: { 'x-amz-copy-source-version-id': 'v/1', 'x-amz-version-id': 'v2' },
  })
  t.strictSame(
    upstream.seen.map(({ target }) => target),
    [
      '/main/k?versionId=v%2F1',
      '/main/k?versionId=v%2F1',
      '/main/k?tagging=&versionId=v%2F1',
      '/main/k',
    ],
  )
  t.equal(upstream.seen.at(-1)?.headers['x-amz-tagging'], 'a%20b=%26')
  t.equal(upstream.seen.at(-1)?.headers[`${SOURCE}-customer-key`], undefined)
})

t.test('a source that is a delete marker is refused as S3 does', async t => {
  const { proxy } = await startScripted(
    t,
    { GET: { ...error(405, 'MethodNotAllowed'), headers: { 'x-amz-delete-marker': 'true' } } },
    { provider: 'ceph' },
  )
  t.match(await copy(proxy, 'main/k?versionId=v1', '/main/k'), {
    status: 400,
    text: /may not specifically refer to a delete marker/,
  })
})

t.test('what the client says of either bucket goes to that bucket', async t => {
  const { proxy, upstream } = await startScripted(
    t,
    { GET: encryptedWith(MAIN_NEW), 'GET tagging': { status: 404 } },
    { provider: 'ceph' },
  )
  const always = {
    'x-amz-acl': 'public-read',
    'x-amz-grant-read': 'id="1"',
    'x-amz-storage-class': 'COLD',
    'x-amz-website-redirect-location': '/elsewhere',
    'x-amz-object-lock-mode': 'GOVERNANCE',
    'x-amz-object-lock-retain-until-date': '2033-12-01T16:00:00Z',
    'x-amz-object-lock-legal-hold': 'ON',
    'x-amz-request-payer': 'requester',
    'x-amz-expected-bucket-owner': '111122223333',
    'if-none-match': '*',
  }
  await copy(proxy, 'main/a', '/other/b', {
    ...always,
    'x-amz-source-expected-bucket-owner': '444455556666',
    'x-amz-copy-source-if-match': '"src"',
    'x-amz-meta-ignored': 'for the source has its own',
    'content-type': 'ignored/too',
  })
  const [read, tags, write] = upstream.seen
  const ofSource = {
    'x-amz-expected-bucket-owner': '444455556666',
    'x-amz-request-payer': 'requester',
  }
  t.match(read?.headers, { ...ofSource, 'if-match': '"src"' })
  t.match(tags?.headers, ofSource)
  t.equal(tags?.headers['if-match'], undefined)
  t.match(write?.headers, always)
  for (const name of Object.keys(write?.headers ?? {})) {
    t.notMatch(name, /copy-source|directive|ignored|source-expected/)
  }
  t.equal(write?.headers['content-type'], undefined)
})

t.test(
  'the source’s checksum vouches for the bytes, unless it is of the parts alone or another is asked for',
  async t => {
    const cases: readonly (readonly [
      Record<string, string>,
      string | undefined,
      Record<string, string>,
    ])[] = [
      [{ 'x-amz-checksum-crc32': 'NhCmhg==' }, undefined, { 'x-amz-checksum-crc32': 'NhCmhg==' }],
      [{ 'x-amz-checksum-crc32': 'NhCmhg==' }, 'CRC32', { 'x-amz-checksum-crc32': 'NhCmhg==' }],
      [{ 'x-amz-checksum-crc32': 'NhCmhg==' }, 'SHA256', {}],
      [{ 'x-amz-checksum-crc32': 'NhCmhg==-2' }, undefined, {}],
    ]
    for (const [checksum, asked, expected] of cases) {
      const { proxy, upstream } = await startScripted(
        t,
        {
          GET: seen => ({
            ...PLAINTEXT,
            headers: { ...PLAINTEXT.headers, ...checksum, ...echoOf(seen) },
          }),
          'GET tagging': { status: 404 },
          PUT: seen => ({ headers: { ...checksum, ...echoOf(seen) } }),
        },
        { provider: 'ceph' },
      )
      const headers: Record<string, string> =
        asked === undefined ? {} : { 'x-amz-checksum-algorithm': asked }
      const copied = await copy(proxy, 'main/a', '/other/b', headers)
      t.equal(textOf(copied, 'ChecksumCRC32'), checksum['x-amz-checksum-crc32'])
      t.equal(upstream.seen[0]?.headers['x-amz-checksum-mode'], 'ENABLED')
      const sent = Object.entries(upstream.seen.at(-1)?.headers ?? {}).filter(([name]) =>
        name.includes('checksum'),
      )
      t.strictSame(Object.fromEntries(sent), expected)
    }
  },
)

t.test('an upload that is completed without an ETag is looked up', async t => {
  const { proxy, kinds, upstream } = await startScripted(
    t,
    {
      GET: seen => {
        const [, first = '0', last = '11'] =
          /bytes=(\d+)-(\d+)/.exec(seen.headers['range'] ?? '') ?? []
        const body = 'twelve bytes'.slice(Number(first), Number(last) + 1)
        return { ...PLAINTEXT, headers: { ...PLAINTEXT.headers, ...echoOf(seen) }, body }
      },
      'GET tagging': { status: 404 },
      'POST uploads': seen => ({ headers: echoOf(seen), body: '<UploadId>up</UploadId>' }),
      'PUT partNumber': seen => ({ headers: { etag: `"${seen.body}"`, ...echoOf(seen) } }),
      'POST uploadId': { headers: { 'x-amz-version-id': 'v9' }, body: '<R><ETag></ETag></R>' },
      HEAD: seen => ({ headers: { etag: '"whole-3"', ...echoOf(seen) } }),
    },
    { provider: 'ceph', copyLimits: { whole: 5, part: 5 } },
  )
  const copied = await copy(proxy, 'main/a', '/other/b', { 'if-match': '"before"' })
  t.match(copied, {
    status: 200,
    headers: { 'x-amz-version-id': 'v9', ...echoOf(upstream.seen.at(-1) as Seen) },
  })
  t.equal(textOf(copied, 'ETag'), '&quot;whole-3&quot;')
  const part = ['GET', 'PUT partNumber']
  t.strictSame(kinds(), [
    'GET',
    'GET tagging',
    'POST uploads',
    ...[...part, ...part, ...part],
    'POST uploadId',
    'HEAD',
  ])
  const ranges = upstream.seen.filter(({ method }) => method === 'GET').slice(2)
  t.ok(ranges.every(({ headers }) => headers['if-match'] === '"src"'))
  const complete = upstream.seen.find(seen => kindOf(seen) === 'POST uploadId')
  t.match(String(complete?.body), /<PartNumber>3<\/PartNumber><ETag>&quot;es&quot;/)
  t.equal(complete?.headers['if-match'], '"before"')
  t.equal(upstream.seen.at(-1)?.target, '/other/b?versionId=v9')
})

t.test(
  'an object is not copied onto itself where nobody could read what comes of that',
  async t => {
    for (const [provider, source, path, expected] of [
      ['minio', 'main/a', '/main/a', ['GET', 'GET tagging', 'PUT']],
      ['generic', 'main/a', '/main/a', ['GET', 'GET tagging', 'PUT']],
      ['aws', 'main/a', '/main/a', ['COPY PUT']],
      ['embedded', 'main/a', '/main/a', ['COPY PUT']],
      ['minio', 'plain/a', '/plain/a', ['COPY PUT']],
    ] as const) {
      const { proxy, kinds } = await startScripted(
        t,
        {
          GET: encryptedWith(MAIN_NEW),
          'GET tagging': { body: '<Tagging/>' },
          'COPY PUT': seen => ({ ...result('e'), headers: echoOf(seen) }),
        },
        { provider },
      )
      const headers = { 'x-amz-metadata-directive': 'REPLACE' }
      t.equal((await copy(proxy, source, path, headers)).status, 200)
      t.strictSame(kinds(), expected, `${provider}: ${source} → ${path}`)
    }
  },
)
