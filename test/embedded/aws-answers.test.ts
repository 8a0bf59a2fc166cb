import t from 'tap'
import {
  type Answer,
  base64Md5,
  echoIn,
  echoOf,
  keyOf,
  NO_ECHO,
  sourceTriple,
  start,
  triple,
} from './raw.ts'

// AWS's answers as recorded by localstack (tests/aws/services/s3/test_s3.snapshot.json, class TestS3SSECEncryption).

const SSE = 'x-amz-server-side-encryption'
const ALGORITHM = `${SSE}-customer-algorithm`
const KEY = `${SSE}-customer-key`
const KEY_MD5 = `${SSE}-customer-key-md5`
const MUST_PROVIDE =
  'Requests specifying Server Side Encryption with Customer provided keys must provide'
const NEEDS_KEY =
  'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.'
const NOT_APPLICABLE = 'The encryption parameters are not applicable to this object.'
const WRONG_KEY = `${MUST_PROVIDE} the correct secret key.`

const { ask } = await start(t)

const told = ({ status, element }: Answer) => [status, element('Code'), element('Message')]

const without = (name: string): Record<string, string> => {
  const { [name]: _, ...rest } = triple('k')
  return rest
}

type FaultyTriple = readonly [
  what: string,
  headers: Readonly<Record<string, string>>,
  code: string,
  message: string,
  argumentValue: string,
]

const FAULTY: readonly FaultyTriple[] = [
  [
    'another algorithm',
    { ...triple('k'), [ALGORITHM]: 'AES128' },
    'InvalidEncryptionAlgorithmError',
    'The Encryption request you specified is not valid. Supported value: AES256.',
    'AES128',
  ],
  [
    'no algorithm',
    without(ALGORITHM),
    'InvalidArgument',
    `${MUST_PROVIDE} a valid encryption algorithm.`,
    'null',
  ],
  ['no key', without(KEY), 'InvalidArgument', `${MUST_PROVIDE} an appropriate secret key.`, 'null'],
  [
    'no key MD5',
    without(KEY_MD5),
    'InvalidArgument',
    `${MUST_PROVIDE} the client calculated MD5 of the secret key.`,
    'null',
  ],
  [
    "another key's MD5",
    { ...triple('k'), [KEY_MD5]: base64Md5(keyOf('other')) },
    'InvalidArgument',
    'The calculated MD5 hash of the key did not match the hash that was provided.',
    'null',
  ],
  [
    'a key of 10 bytes',
    triple(Buffer.alloc(10)),
    'InvalidArgument',
    'The secret key was invalid for the specified algorithm.',
    'null',
  ],
  [
    'a key that is not base64',
    { ...triple('k'), [KEY]: '*'.repeat(44) },
    'InvalidArgument',
    'The secret key was invalid for the specified algorithm.',
    'null',
  ],
]

t.test('a faulty triple is told in the same words wherever it stands', async t => {
  await ask('PUT', '/box/secret', triple('k'), 'x')
  const created = await ask('POST', '/box/parts?uploads', triple('k'))
  const part = `/box/parts?partNumber=1&uploadId=${created.element('UploadId')}`
  for (const [what, headers, code, message, argumentValue] of FAULTY) {
    const answers = [
      await ask('PUT', '/box/new', headers, 'x'),
      await ask('GET', '/box/secret', headers),
      await ask('GET', '/box/secret?attributes', { ...headers, 'x-amz-object-attributes': 'ETag' }),
      await ask('PUT', '/box/new', {
        ...headers,
        ...sourceTriple('k'),
        'x-amz-copy-source': 'box/secret',
      }),
      await ask('PUT', '/box/new', { ...toSource(headers), 'x-amz-copy-source': 'box/secret' }),
      await ask('POST', '/box/new?uploads', headers),
      await ask('PUT', part, headers, 'x'),
    ]
    for (const answer of answers) {
      t.strictSame(told(answer), [400, code, message], what)
      t.equal(answer.element('ArgumentName'), SSE)
      t.equal(answer.element('ArgumentValue'), argumentValue)
    }
    const head = await ask('HEAD', '/box/secret', headers)
    t.strictSame([head.status, head.text], [400, ''])
  }
  t.equal((await ask('GET', '/box/new')).status, 404)
})

/** The same headers at the place of the copy source. */
const toSource = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replace('x-amz-', 'x-amz-copy-source-'),
      value,
    ]),
  )

t.test('one method per object', async t => {
  const both = { ...triple('k'), [SSE]: 'aws:kms' }
  await ask('PUT', '/box/source', {}, 'x')
  const answers = [
    await ask('PUT', '/box/new', both, 'x'),
    await ask('POST', '/box/new?uploads', both),
    await ask('PUT', '/box/new', { ...both, 'x-amz-copy-source': 'box/source' }),
    await ask('PUT', '/box/new', { ...both, [ALGORITHM]: 'AES128' }, 'x'),
  ]
  for (const answer of answers) {
    t.strictSame(told(answer), [
      400,
      'InvalidArgument',
      'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
    ])
    t.strictSame(
      [answer.element('ArgumentName'), answer.element('ArgumentValue')],
      [SSE, 'aws:kms'],
    )
  }
})

t.test("the provider's own methods are not to be had, and not ignored", async t => {
  const answer = await ask('PUT', '/box/new', { [SSE]: 'AES256' }, 'x')
  t.strictSame(
    [answer.status, answer.element('Code'), answer.element('Header')],
    [501, 'NotImplemented', SSE],
  )
  t.equal((await ask('GET', '/box/new')).status, 404)
})

t.test('a method is not for reads, nor for parts', async t => {
  await ask('PUT', '/box/plain', {}, 'x')
  const message = 'x-amz-server-side-encryption header is not supported for this operation.'
  const created = await ask('POST', '/box/parts?uploads')
  const part = `/box/parts?partNumber=1&uploadId=${created.element('UploadId')}`
  for (const answer of [
    await ask('GET', '/box/plain', { [SSE]: 'AES256' }),
    await ask('PUT', part, { [SSE]: 'AES256' }, 'x'),
  ]) {
    t.strictSame(told(answer), [400, 'InvalidArgument', message])
  }
})

t.test('reads, by what the object has and what the request brings', async t => {
  await ask('PUT', '/box/secret', triple('k'), 'x')
  await ask('PUT', '/box/plain', {}, 'x')
  for (const [key, headers, status, code, message] of [
    ['secret', {}, 400, 'InvalidRequest', NEEDS_KEY],
    ['secret', triple('other'), 403, 'AccessDenied', WRONG_KEY],
    ['plain', triple('k'), 400, 'InvalidRequest', NOT_APPLICABLE],
    ['absent', triple('k'), 404, 'NoSuchKey', 'The specified key does not exist.'],
  ] as const) {
    t.strictSame(told(await ask('GET', `/box/${key}`, headers)), [status, code, message])
    const attributes = { ...headers, 'x-amz-object-attributes': 'ETag' }
    t.strictSame(told(await ask('GET', `/box/${key}?attributes`, attributes)), [
      status,
      code,
      message,
    ])
    const head = await ask('HEAD', `/box/${key}`, headers)
    t.strictSame([head.status, head.text], [status, ''])
  }
})

t.test('copies, by what the source has and what the request brings', async t => {
  await ask('PUT', '/box/secret', triple('k'), 'x')
  await ask('PUT', '/box/plain', {}, 'x')
  for (const [key, headers, status, code, message] of [
    ['secret', {}, 400, 'InvalidRequest', NEEDS_KEY],
    ['secret', triple('k'), 400, 'InvalidRequest', NEEDS_KEY],
    ['secret', sourceTriple('other'), 403, 'AccessDenied', WRONG_KEY],
    ['plain', sourceTriple('k'), 400, 'InvalidRequest', NOT_APPLICABLE],
  ] as const) {
    const copy = { ...headers, 'x-amz-copy-source': `box/${key}` }
    t.strictSame(told(await ask('PUT', '/box/copy', copy)), [status, code, message])
  }
  t.equal((await ask('GET', '/box/copy')).status, 404)
})

t.test('a copy with nothing but the source key is no longer SSE-C', async t => {
  await ask('PUT', '/box/secret', triple('k'), 'x')
  const copy = await ask('PUT', '/box/copy', {
    ...sourceTriple('k'),
    'x-amz-copy-source': 'box/secret',
  })
  t.strictSame([copy.status, echoIn(copy)], [200, NO_ECHO])
  t.equal((await ask('GET', '/box/copy')).text, 'x')
})

t.test('parts, by what the upload has and what the request brings', async t => {
  const initiated =
    'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.'
  const other = 'The provided encryption parameters did not match the ones used originally.'
  await ask('PUT', '/box/plain', {}, 'x')
  for (const [created, sent, message] of [
    [triple('k'), {}, initiated],
    [{}, triple('k'), initiated],
    [triple('k'), triple('other'), other],
  ] as const) {
    const upload = await ask('POST', '/box/parts?uploads', created)
    const part = `/box/parts?partNumber=1&uploadId=${upload.element('UploadId')}`
    t.strictSame(told(await ask('PUT', part, sent, 'x')), [400, 'InvalidRequest', message])
    const copied = await ask('PUT', part, { ...sent, 'x-amz-copy-source': 'box/plain' })
    t.strictSame(told(copied), [400, 'InvalidRequest', message])
    const listed = await ask('GET', `/box/parts?uploadId=${upload.element('UploadId')}`)
    t.notMatch(listed.text, '<Part>')
  }
})

t.test(
  'completing and listing need the key where checksums were declared, and only there',
  async t => {
    const declared = { ...triple('k'), 'x-amz-checksum-algorithm': 'SHA256' }
    const message =
      'The object was stored using a form of Server Side Encryption. Correct SSE-C request parameters are required for this request when specifying checksums for each part.'
    const upload = await ask('POST', '/box/parts?uploads', declared)
    const target = `/box/parts?uploadId=${upload.element('UploadId')}`
    const body = '<CompleteMultipartUpload></CompleteMultipartUpload>'
    for (const method of ['POST', 'GET']) {
      t.strictSame(told(await ask(method, target, {}, body)), [400, 'InvalidRequest', message])
      t.strictSame(told(await ask(method, target, triple('other'), body)), [
        400,
        'InvalidRequest',
        'The provided encryption parameters did not match the ones used originally.',
      ])
    }
    t.equal((await ask('GET', target, triple('k'))).status, 200)
    const plain = await ask('POST', '/box/parts?uploads', triple('k'))
    t.equal((await ask('GET', `/box/parts?uploadId=${plain.element('UploadId')}`)).status, 200)
  },
)

t.test('the key is echoed on exactly the operations that AWS echoes it on', async t => {
  const key = triple('k')
  await ask('PUT', '/box/source', {}, 'x')
  const created = await ask('POST', '/box/parts?uploads', key)
  const uploadId = created.element('UploadId')
  const part = await ask('PUT', `/box/parts?partNumber=1&uploadId=${uploadId}`, key, 'x')
  const source = { 'x-amz-copy-source': 'box/source' }
  const etag = part.headers.etag
  const list = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`
  const attributes = { ...key, 'x-amz-object-attributes': 'ETag' }
  for (const [name, echo, answer] of [
    ['PutObject', true, await ask('PUT', '/box/secret', key, 'x')],
    ['GetObject', true, await ask('GET', '/box/secret', key)],
    ['GetObject of a range', true, await ask('GET', '/box/secret', { ...key, range: 'bytes=0-0' })],
    ['HeadObject', true, await ask('HEAD', '/box/secret', key)],
    ['CopyObject', true, await ask('PUT', '/box/copy', { ...key, ...source })],
    ['CreateMultipartUpload', true, created],
    ['UploadPart', true, part],
    [
      'UploadPartCopy',
      true,
      await ask('PUT', `/box/parts?partNumber=2&uploadId=${uploadId}`, { ...key, ...source }),
    ],
    ['ListParts', false, await ask('GET', `/box/parts?uploadId=${uploadId}`, key)],
    [
      'CompleteMultipartUpload',
      false,
      await ask('POST', `/box/parts?uploadId=${uploadId}`, key, list),
    ],
    ['GetObjectAttributes', false, await ask('GET', '/box/secret?attributes', attributes)],
    ['GetObjectTagging', false, await ask('GET', '/box/secret?tagging', key)],
    ['ListObjectsV2', false, await ask('GET', '/box?list-type=2', key)],
    ['DeleteObject', false, await ask('DELETE', '/box/secret', key)],
  ] as const) {
    t.ok(answer.status < 300, name)
    t.strictSame(echoIn(answer), echo ? echoOf('k') : NO_ECHO, name)
    t.notOk(answer.headers[SSE], name)
  }
})

t.test('a key in the query of a presigned request is a key', async t => {
  const query = new URLSearchParams(triple('k')).toString().replaceAll('+', '%20')
  const put = await ask('PUT', `/box/presigned?${query}&X-Amz-Signature=0`, {}, 'x')
  t.strictSame([put.status, echoIn(put)], [200, echoOf('k')])
  t.equal((await ask('GET', '/box/presigned')).status, 400)
})
