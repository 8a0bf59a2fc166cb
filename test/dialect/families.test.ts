import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  FAMILIES,
  type Family,
  type FamilyName,
  isForeignHeader,
} from '../../lib/dialect/families.ts'
import {
  readRequest,
  readResponse,
  writeQuery,
  writeRequest,
  writeResponse,
} from '../../lib/dialect/translate.ts'
import { S3Error } from '../../lib/s3/error.ts'
import type { Headers } from '../../lib/s3/headers.ts'

const KEY = Buffer.alloc(32, 7)
const key = KEY.toString('base64')
const md5 = createHash('md5').update(KEY).digest('base64')
const sha256 = createHash('sha256').update(KEY).digest('base64')

const TRIPLE = (prefix: string) =>
  [
    [`${prefix}server-side-encryption-customer-algorithm`, 'AES256'],
    [`${prefix}server-side-encryption-customer-key`, key],
    [`${prefix}server-side-encryption-customer-key-md5`, md5],
  ] as const
const S3_TRIPLE: Headers = new Map(TRIPLE('x-amz-'))
const S3_SOURCE: Headers = new Map(TRIPLE('x-amz-copy-source-'))

const triples: readonly [FamilyName, object: Headers, source: Headers | undefined][] = [
  ['amz', S3_TRIPLE, S3_SOURCE],
  ['obs', new Map(TRIPLE('x-obs-')), new Map(TRIPLE('x-obs-copy-source-'))],
  ['bz', new Map(TRIPLE('x-bz-')), undefined],
  ['cos', new Map(TRIPLE('x-cos-')), new Map(TRIPLE('x-cos-copy-source-'))],
  [
    'goog',
    new Map([
      ['x-goog-encryption-algorithm', 'AES256'],
      ['x-goog-encryption-key', key],
      ['x-goog-encryption-key-sha256', sha256],
    ]),
    new Map([
      ['x-goog-copy-source-encryption-algorithm', 'AES256'],
      ['x-goog-copy-source-encryption-key', key],
      ['x-goog-copy-source-encryption-key-sha256', sha256],
    ]),
  ],
  [
    'opc',
    new Map([
      ['opc-sse-customer-algorithm', 'AES256'],
      ['opc-sse-customer-key', key],
      ['opc-sse-customer-key-sha256', sha256],
    ]),
    new Map([
      ['opc-source-sse-customer-algorithm', 'AES256'],
      ['opc-source-sse-customer-key', key],
      ['opc-source-sse-customer-key-sha256', sha256],
    ]),
  ],
]

for (const [name, object, source] of triples) {
  t.test(`${name}: the triple is written, and read again`, async t => {
    const family = FAMILIES[name]
    t.strictSame(writeRequest(family, S3_TRIPLE, 'object'), object)
    t.strictSame(readRequest(family, object, 'object'), S3_TRIPLE)
    if (source === undefined) {
      t.throws(() => writeRequest(family, S3_SOURCE, 'object'), { code: 'NotImplemented' })
    } else {
      t.strictSame(writeRequest(family, S3_SOURCE, 'object'), source)
      t.strictSame(readRequest(family, source, 'object'), S3_SOURCE)
    }
  })

  t.test(`${name}: the echo is read as that of the key that was sent, and no other`, async t => {
    const family = FAMILIES[name]
    const answer = new Map([...object].filter(([each]) => each !== family.triples.object.key))
    const echo = readResponse(family, answer, 'object', S3_TRIPLE)
    t.equal(echo.get('x-amz-server-side-encryption-customer-algorithm'), 'AES256')
    t.equal(echo.get('x-amz-server-side-encryption-customer-key-md5'), md5)
    t.strictSame(writeResponse(family, echo, 'object', S3_TRIPLE), answer)
    const wrong = new Map([...answer, [family.triples.object.digest, 'b3RoZXI=']])
    const read = readResponse(family, wrong, 'object', S3_TRIPLE)
    t.not(read.get('x-amz-server-side-encryption-customer-key-md5'), md5)
  })
}

t.test('a digest that is not the key’s is not made right on the way', async t => {
  const read = readRequest(
    FAMILIES.goog,
    new Map([
      ['x-goog-encryption-key', key],
      ['x-goog-encryption-key-sha256', 'd3Jvbmc='],
    ]),
    'object',
  )
  t.equal(read.get('x-amz-server-side-encryption-customer-key-md5'), 'd3Jvbmc=')
  const without = readRequest(FAMILIES.goog, new Map([['x-goog-encryption-key', key]]), 'object')
  t.notOk(without.has('x-amz-server-side-encryption-customer-key-md5'), 'nor made up')
})

const SSE = 'x-amz-server-side-encryption'
const pairs: readonly [
  name: FamilyName,
  level: 'bucket' | 'object',
  s3: readonly (readonly [string, string])[],
  own: readonly (readonly [string, string])[],
][] = [
  ['obs', 'object', [[SSE, 'aws:kms']], [['x-obs-server-side-encryption', 'kms']]],
  ['obs', 'object', [[SSE, 'AES256']], [['x-obs-server-side-encryption', 'AES256']]],
  [
    'obs',
    'object',
    [[`${SSE}-aws-kms-key-id`, 'k']],
    [['x-obs-server-side-encryption-kms-key-id', 'k']],
  ],
  [
    'obs',
    'object',
    [
      ['x-obs-server-side-data-encryption', 'SM4'],
      ['x-obs-sse-kms-key-project-id', 'p'],
    ],
    [
      ['x-obs-server-side-data-encryption', 'SM4'],
      ['x-obs-sse-kms-key-project-id', 'p'],
    ],
  ],
  ['obs', 'object', [['x-amz-storage-class', 'STANDARD_IA']], [['x-obs-storage-class', 'WARM']]],
  ['obs', 'object', [['x-amz-storage-class', 'GLACIER']], [['x-obs-storage-class', 'COLD']]],
  ['obs', 'bucket', [['x-default-storage-class', 'GLACIER']], [['x-obs-storage-class', 'COLD']]],
  ['obs', 'bucket', [['x-amz-bucket-region', 'r']], [['x-obs-bucket-location', 'r']]],
  ['obs', 'object', [['x-amz-meta-a', 'b']], [['x-obs-meta-a', 'b']]],
  ['obs', 'object', [['x-amz-copy-source', 'b/k%20']], [['x-obs-copy-source', 'b/k%20']]],
  ['obs', 'object', [['content-type', 'a/b']], [['content-type', 'a/b']]],
  ['bz', 'object', [[SSE, 'AES256']], [['x-bz-server-side-encryption', 'AES256']]],
  ['bz', 'object', [['x-amz-meta-a', 'Ã© b']], [['x-bz-info-a', '%C3%A9%20b']]],
  ['cos', 'object', [[SSE, 'aws:kms']], [['x-cos-server-side-encryption', 'cos/kms']]],
  [
    'goog',
    'object',
    [
      [`${SSE}-aws-kms-key-id`, 'k'],
      [SSE, 'aws:kms'],
    ],
    [['x-goog-encryption-kms-key-name', 'k']],
  ],
  ['goog', 'object', [['x-amz-version-id', '7']], [['x-goog-generation', '7']]],
]

for (const [name, level, s3, own] of pairs) {
  t.test(`${name} says ${JSON.stringify(s3)} as ${JSON.stringify(own)}`, async t => {
    t.strictSame(writeRequest(FAMILIES[name], new Map(s3), level), new Map(own))
    t.strictSame(readRequest(FAMILIES[name], new Map(own), level), new Map(s3))
  })
}

t.test('an ACL of OBS that S3 has not comes to its nearest', async t => {
  const delivered = new Map([['x-obs-acl', 'public-read-delivered']])
  t.equal(readRequest(FAMILIES.obs, delivered, 'object').get('x-amz-acl'), 'public-read')
})

t.test('a demand that the family cannot say is refused, and a checksum is left out', async t => {
  for (const [name, header] of [
    ['obs', 'x-amz-expected-bucket-owner'],
    ['obs', 'x-amz-server-side-encryption-context'],
    ['goog', 'x-amz-server-side-encryption'],
    ['opc', 'x-amz-acl'],
    ['bz', 'x-amz-copy-source'],
  ] as const) {
    t.throws(() => writeRequest(FAMILIES[name], new Map([[header, 'v']]), 'object'), {
      code: 'NotImplemented',
      message: header,
    })
  }
  const checksum = new Map([['x-amz-checksum-crc32', 'AAAAAA==']])
  t.strictSame(writeRequest(FAMILIES.obs, checksum, 'object'), new Map())
})

t.test('a query parameter is told in the family’s word', async t => {
  const query = [{ name: 'versionId', value: '7' }]
  t.strictSame(writeQuery(FAMILIES.goog, query), [{ name: 'generation', value: '7' }])
  t.equal(writeQuery(FAMILIES.obs, query), query)
})

const CANDIDATES: readonly (readonly [string, fc.Arbitrary<string>])[] = [
  ...[...S3_TRIPLE, ...S3_SOURCE].map(([name, value]) => [name, fc.constant(value)] as const),
  [SSE, fc.constantFrom('AES256', 'aws:kms')],
  [`${SSE}-aws-kms-key-id`, fc.constantFrom('k', 'arn:aws:kms:r:1:key/2')],
  ['x-amz-storage-class', fc.constantFrom('STANDARD', 'STANDARD_IA', 'GLACIER', 'DEEP_ARCHIVE')],
  ['x-amz-acl', fc.constantFrom('private', 'public-read', 'public-read-write')],
  ['x-amz-copy-source', fc.constant('b/k')],
  ['x-amz-copy-source-if-match', fc.constant('"e"')],
  ['x-amz-metadata-directive', fc.constantFrom('COPY', 'REPLACE')],
  ['x-amz-tagging', fc.constant('a=b')],
  ['x-amz-version-id', fc.constant('v1')],
  ['x-amz-request-id', fc.constant('r1')],
  ['x-amz-bucket-region', fc.constant('r')],
  ['x-amz-object-lock-mode', fc.constant('COMPLIANCE')],
  ['x-amz-website-redirect-location', fc.constant('/x')],
  ['x-amz-meta-a', fc.string({ unit: 'binary-ascii' }).filter(text => !/[\r\n\0]/.test(text))],
  ['x-amz-meta-b-c', fc.constant('Ã©')],
  ['content-type', fc.constant('text/plain')],
  ['etag', fc.constant('"e"')],
]

const says = (family: Family, name: string, value: string): boolean => {
  try {
    return writeRequest(family, new Map([[name, value]]), 'object').size === 1
  } catch (error) {
    if (error instanceof S3Error) return false
    throw error
  }
}

// Whole triples, and a KMS key with its method: a part of either is a request that the provider refuses in any words.
const complete = (headers: Map<string, string>): Map<string, string> => {
  for (const triple of [S3_TRIPLE, S3_SOURCE]) {
    if ([...triple.keys()].some(name => headers.has(name))) {
      for (const [name, value] of triple) headers.set(name, value)
    }
  }
  if (headers.has(`${SSE}-aws-kms-key-id`)) headers.set(SSE, 'aws:kms')
  return headers
}

const s3Headers = fc
  .tuple(
    ...CANDIDATES.map(([name, value]) =>
      fc.option(
        value.map(text => [name, text] as const),
        { nil: undefined },
      ),
    ),
  )
  .map(entries => complete(new Map(entries.filter(entry => entry !== undefined))))

const familyName = fc.constantFrom<FamilyName>('amz', 'obs', 'bz', 'goog', 'cos', 'opc')

/** What each of the families has a word for. The method KMS may be told by its key alone. */
const common = (headers: Headers, families: readonly Family[]): Headers => {
  const known = new Map(
    [...headers].filter(([name, value]) =>
      families.every(family => says(family, name, value) || (family.impliesKms && name === SSE)),
    ),
  )
  const isTold = families.every(
    ({ impliesKms }) =>
      !impliesKms || (known.has(`${SSE}-aws-kms-key-id`) && known.get(SSE) === 'aws:kms'),
  )
  if (!isTold) for (const name of [SSE, `${SSE}-aws-kms-key-id`]) known.delete(name)
  return known
}

const sorted = (headers: Headers): string => JSON.stringify([...headers].sort())

t.test('through any two families and back nothing is lost that both have', async t => {
  fc.assert(
    fc.property(s3Headers, familyName, familyName, (headers, first, second) => {
      const [a, b] = [FAMILIES[first], FAMILIES[second]]
      const known = common(headers, [a, b])
      const through = (family: Family, said: Headers): Headers =>
        readRequest(family, writeRequest(family, said, 'object'), 'object')
      return sorted(through(b, through(a, known))) === sorted(known)
    }),
    { numRuns: 1000 },
  )
  fc.assert(
    fc.property(s3Headers, familyName, familyName, (headers, first, second) => {
      const [a, b] = [FAMILIES[first], FAMILIES[second]]
      const known = common(headers, [a, b])
      const through = (family: Family, said: Headers): Headers =>
        readResponse(family, writeResponse(family, said, 'object', known), 'object', known)
      return sorted(through(b, through(a, known))) === sorted(known)
    }),
    { numRuns: 1000 },
  )
  t.pass('for requests and answers')
})

t.test('no request has the words of two families, whatever a client sends along', async t => {
  const foreign = fc.dictionary(
    fc.constantFrom(
      ...triples.flatMap(([, object, source]) => [...object.keys(), ...(source?.keys() ?? [])]),
    ),
    fc.constant('v'),
  )
  fc.assert(
    fc.property(s3Headers, foreign, familyName, (headers, extra, name) => {
      const family = FAMILIES[name]
      const sent = common(headers, [family])
      const mixed = new Map([
        ...Object.entries(extra).filter(([each]) => isForeignHeader(each)),
        ...sent,
      ])
      const written = writeRequest(family, mixed, 'object')
      const special = [...written.keys()].filter(
        each => isForeignHeader(each) || each.startsWith('x-amz-'),
      )
      return special.every(each => each.startsWith(family.prefix))
    }),
    { numRuns: 1000 },
  )
  t.pass('over all families')
})
