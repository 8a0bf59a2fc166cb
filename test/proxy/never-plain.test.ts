import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { FAMILIES, type Family, isForeignHeader } from '../../lib/dialect/families.ts'
import { B2_NATIVE, PROVIDERS } from '../../lib/dialect/profiles.ts'
import { readRequest, writeResponse } from '../../lib/dialect/translate.ts'
import type { ProviderMethod, Rule, RuleEffect } from '../../lib/policy/rule.ts'
import type { Headers } from '../../lib/s3/headers.ts'
import { OPERATIONS, type Operation } from '../../lib/s3/operation.ts'
import { parseQuery, queryValue } from '../../lib/s3/query.ts'
import type { SignedRequest } from '../../lib/sign/sign.ts'
import { sealUploadId } from '../../lib/ssec/upload-id.ts'
import { type Asked, journeyOf, recordingTransport, requestOf } from '../support/journey.ts'
import { encrypt, keyring } from '../support/proxy.ts'

/*
 * No covered write leaves without the triple, no triple goes where it does not belong, and no covered write is called
 * a success that the provider did not confirm: over every operation, any policy, and whatever a client sends along.
 */

const KEYRINGS = [keyring('main', 'v2', 'v1'), keyring('other', 'w1')]
const TRIPLE = ['algorithm', 'key', 'key-md5'].map(
  part => `x-amz-server-side-encryption-customer-${part}`,
)
const SOURCE = ['algorithm', 'key', 'key-md5'].map(
  part => `x-amz-copy-source-server-side-encryption-customer-${part}`,
)
const METHOD = 'x-amz-server-side-encryption'
const METHOD_KEY = `${METHOD}-aws-kms-key-id`
const [ALGORITHM = '', KEY = '', MD5 = ''] = TRIPLE

/** The parameters that make a request be this operation. */
const QUERY_OF: Readonly<Record<string, string>> = {
  GetObjectAttributes: 'attributes',
  ListParts: 'uploadId=ID',
  UploadPart: 'partNumber=1&uploadId=ID',
  UploadPartCopy: 'partNumber=1&uploadId=ID',
  CreateMultipartUpload: 'uploads',
  SelectObjectContent: 'select&select-type=2',
  CompleteMultipartUpload: 'uploadId=ID',
  AbortMultipartUpload: 'uploadId=ID',
  GetObjectTagging: 'tagging',
  PutObjectTagging: 'tagging',
  DeleteObjectTagging: 'tagging',
  PutObjectAcl: 'acl',
  GetObjectAcl: 'acl',
  ListMultipartUploads: 'uploads',
  DeleteObjects: 'delete',
  ListObjectsV2: 'list-type=2',
  PutObjectRetention: 'retention',
  PutObjectLegalHold: 'legal-hold',
  RestoreObject: 'restore',
}
const PLAIN_QUERY: readonly string[] = [
  'GetObject',
  'HeadObject',
  'PutObject',
  'CopyObject',
  'DeleteObject',
  'ListObjects',
  'HeadBucket',
  'CreateBucket',
  'DeleteBucket',
  'ListBuckets',
]
const CHOSEN = OPERATIONS.filter(({ name }) => name in QUERY_OF || PLAIN_QUERY.includes(name))

const WRITES = CHOSEN.filter(({ echo, class: group }) => echo && group === 'write')

const bucket = fc.constantFrom('aaa', 'bbb', 'ccc')
const objectKey = fc.constantFrom('k', 'dir/k', 'dir/other', 'Z')

const effect: fc.Arbitrary<RuleEffect> = fc.oneof(
  fc
    .record({
      encrypt: fc.constantFrom({ keyring: 'main' }, { keyring: 'other' }),
      plaintextReads: fc.constantFrom('allow' as const, 'deny' as const),
      clientKeys: fc.constantFrom('accept' as const, 'reject' as const),
      conflicts: fc.constantFrom('remove' as const, 'reject' as const),
      onUnconfirmed: fc.constantFrom('delete' as const, 'keep' as const),
    })
    .map(encrypt),
  fc.record({
    kind: fc.constant('provider' as const),
    method: fc.constantFrom<ProviderMethod>(
      { sse: 's3' },
      { sse: 'kms' },
      { sse: 'kms', keyId: 'key-1' },
    ),
    plaintextReads: fc.constantFrom('allow' as const, 'deny' as const),
    conflicts: fc.constantFrom('remove' as const, 'reject' as const),
    onUnconfirmed: fc.constantFrom('delete' as const, 'keep' as const),
  }),
  fc.constant<RuleEffect>({ kind: 'passthrough' }),
  fc.constant<RuleEffect>({ kind: 'deny' }),
)

const rules: fc.Arbitrary<readonly Rule[]> = fc
  .array(
    fc.record({
      effect,
      buckets: fc.option(fc.subarray(['aaa', 'bbb', 'c*', '*'], { minLength: 1 })),
      prefixes: fc.option(fc.constant(['dir/'])),
      operations: fc.option(
        fc.subarray(['read', 'write', 'list', 'delete', 'PutObject'], { minLength: 1 }),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map(list =>
    list.map(({ effect, buckets, prefixes, operations }, index) => ({
      name: `rule${index}`,
      match: {
        buckets: buckets ?? undefined,
        prefixes: prefixes ?? undefined,
        operations: operations ?? undefined,
      },
      effect,
    })),
  )

const OWN = {
  [ALGORITHM]: 'AES256',
  [KEY]: Buffer.alloc(32, 7).toString('base64'),
  [MD5]: createHash('md5').update(Buffer.alloc(32, 7)).digest('base64'),
}
const extraHeaders = fc.constantFrom<Readonly<Record<string, string>>>(
  {},
  { 'x-amz-server-side-encryption': 'AES256' },
  { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'k' },
  OWN,
  { [KEY]: 'rubbish' },
  { [SOURCE[1] ?? '']: 'rubbish' },
  { 'x-amz-meta-a': 'b', 'content-type': 'text/plain' },
)

interface Case {
  readonly operation: Operation
  readonly asked: Asked
}

const aCase: fc.Arbitrary<Case> = fc
  .record({
    operation: fc.oneof(fc.constantFrom(...CHOSEN), fc.constantFrom(...WRITES)),
    bucket,
    objectKey,
    sourceBucket: bucket,
    sealed: fc.constantFrom('main/v1', 'main/v2', 'other/w1', '~main/v2', '~other/w1', 'raw'),
    extra: extraHeaders,
  })
  .map(({ operation, bucket, objectKey, sourceBucket, sealed, extra }) => {
    const confirmed = !sealed.startsWith('~')
    const [ring = '', version = ''] = sealed.replace('~', '').split('/')
    const sealing = KEYRINGS.find(({ name }) => name === ring)
    const id = sealing
      ? sealUploadId(sealing, version, { bucket, objectKey }, 'ID', confirmed)
      : 'ID'
    const copying = operation.source ? { 'x-amz-copy-source': `${sourceBucket}/${objectKey}` } : {}
    const body =
      operation.body === 'none'
        ? ''
        : operation.name === 'DeleteObjects'
          ? `<Delete><Object><Key>${objectKey}</Key></Object></Delete>`
          : 'body'
    const length = body === '' ? {} : { 'content-length': String(body.length) }
    const paths = { service: '/', bucket: `/${bucket}`, object: `/${bucket}/${objectKey}` }
    return {
      operation,
      asked: {
        method: operation.method,
        path: paths[operation.level],
        query: (QUERY_OF[operation.name] ?? '').replace('=ID', `=${encodeURIComponent(id)}`),
        headers: new Map(
          Object.entries({ host: 'proxy.example', ...copying, ...extra, ...length }),
        ),
        body,
      },
    }
  })

// B2's native API has the property of its own: test/b2-upstream/never-plain.test.ts.
const S3_PROVIDERS = [...PROVIDERS.keys()].filter(name => name !== B2_NATIVE)

const ECHOES = ['ours', 'none', 'wrong'] as const

const DOCUMENT = '<R><UploadId>ID</UploadId></R>'
const HEAD = [
  ['etag', '"e"'],
  ['content-length', String(DOCUMENT.length)],
] as const

/** Google names the key alone, so a wrong answer is wrong in that, too. */
const methodEcho = (request: SignedRequest, isOurs: boolean): Headers => {
  const method = request.headers.get(METHOD) ?? ''
  const key = request.headers.get(METHOD_KEY)
  const other = method === 'AES256' ? 'aws:kms' : 'AES256'
  const named = key === undefined ? [] : [[METHOD_KEY, isOurs ? key : 'other'] as const]
  return new Map([...HEAD, [METHOD, isOurs ? method : other], ...named])
}

const echo = (request: SignedRequest, kind: (typeof ECHOES)[number]): Headers => {
  const md5 = request.headers.get(MD5)
  if (kind !== 'none' && request.headers.has(METHOD)) return methodEcho(request, kind === 'ours')
  if (kind === 'none' || md5 === undefined) return new Map(HEAD)
  return new Map([
    ...HEAD,
    [ALGORITHM, 'AES256'],
    [MD5, kind === 'ours' ? md5 : 'AAAAAAAAAAAAAAAAAAAAAA=='],
  ])
}

const OUR_KEYS = KEYRINGS.flatMap(each =>
  each.keysFor({ bucket: '', objectKey: '' }).map(key => key.base64.expose()),
)

const signedNames = (request: SignedRequest): readonly string[] =>
  // COS names them in words of its own.
  /(?:SignedHeaders|q-header-list)=([^,&]*)/
    .exec(request.headers.get('authorization') ?? '')?.[1]
    ?.split(';') ?? []

const hasAll = ({ headers }: SignedRequest, names: readonly string[]): boolean =>
  names.every(name => headers.has(name))
const hasAny = ({ headers }: SignedRequest, names: readonly string[]): boolean =>
  names.some(name => headers.has(name))

/** A naive reading of the policy, by another road than lib/policy. */
const decides = (rules: readonly Rule[], { asked, operation }: Case): RuleEffect | undefined =>
  rules.find(({ match }) => {
    const [, bucket = '', ...rest] = asked.path.split('/')
    const key = rest.join('/')
    const fits = (glob: string): boolean =>
      glob === '*' || glob === bucket || (glob === 'c*' && bucket.startsWith('c'))
    const bucketFits =
      match.buckets === undefined ||
      (operation.level === 'service' ? match.buckets.includes('*') : match.buckets.some(fits))
    const prefixFits =
      match.prefixes === undefined || (operation.level === 'object' && key.startsWith('dir/'))
    const operationFits =
      match.operations === undefined ||
      match.operations.some(name => name === operation.name || name === operation.class)
    return bucketFits && prefixFits && operationFits
  })?.effect

interface Outcome {
  readonly one: Case
  readonly effect: RuleEffect
  /** In S3's words. */
  readonly sent: readonly SignedRequest[]
  readonly onWire: readonly SignedRequest[]
  /** Whether the client was told of a success. */
  readonly succeeded: boolean
  readonly echoing: (typeof ECHOES)[number]
  readonly provider: string
}

type Encrypting = Extract<RuleEffect, { kind: 'encrypt' }>

const unsignedHeader = (request: SignedRequest): boolean => {
  const names = signedNames(request)
  // OBS signs every header of its own, and names none.
  if (request.headers.get('authorization')?.startsWith('OBS ')) return false
  return specialNames(request).some(name => !names.includes(name))
}

const specialNames = ({ headers }: SignedRequest): readonly string[] =>
  [...headers.keys()].filter(name => name.startsWith('x-amz-') || isForeignHeader(name))

const familyOf = (provider: string): Family => FAMILIES[PROVIDERS.get(provider)?.family ?? 'amz']

const inS3Words = (request: SignedRequest, provider: string): SignedRequest =>
  ({
    ...request,
    headers: readRequest(familyOf(provider), request.headers, 'object'),
  }) as SignedRequest

/** The words that an upstream's triples, ACLs and methods are in. The signature's own do not count. */
const isOfTwoFamilies = ({ onWire, provider }: Outcome): boolean =>
  onWire.some(request =>
    specialNames(request).some(
      name =>
        !name.startsWith(familyOf(provider).prefix) &&
        !/^x-amz-(?:date|content-sha256)$/.test(name),
    ),
  )

const isCoveredWrite = ({ one, effect, sent }: Outcome): boolean =>
  effect.kind === 'encrypt' &&
  one.operation.echo &&
  one.operation.class === 'write' &&
  sent.length > 0

const hasRightKey = (request: SignedRequest, effect: Encrypting): boolean => {
  const key = request.headers.get(KEY) ?? ''
  return OUR_KEYS.includes(key) || (effect.clientKeys === 'accept' && key === OWN[KEY])
}

/** What a write demands where its rule has the provider's own method. */
const TAKES_METHOD = ['PutObject', 'CopyObject', 'CreateMultipartUpload']

const isWriteByMethod = ({ one, effect, sent }: Outcome): boolean =>
  effect.kind === 'provider' &&
  one.operation.echo &&
  one.operation.class === 'write' &&
  sent.length > 0

const hasMethod = ({ headers }: SignedRequest, effect: RuleEffect): boolean =>
  effect.kind === 'provider' &&
  headers.get(METHOD) === (effect.method.sse === 'kms' ? 'aws:kms' : 'AES256') &&
  headers.get(METHOD_KEY) === (effect.method.sse === 'kms' ? effect.method.keyId : undefined)

const isWrite = ({ method }: SignedRequest): boolean => method === 'PUT' || method === 'POST'

const isRaw = ({ asked }: Case): boolean => asked.query.endsWith('=ID')

/** Whether the upload's id says that the provider did not confirm its creation. */
const isUnproven = ({ asked }: Case): boolean => asked.query.includes('uploadId=~')

/** Whether the provider's silence is known, and the upload's id or its parts vouch for it. */
const isVouchedFor = ({ one, echoing, provider }: Outcome): boolean =>
  echoing === 'none' &&
  PROVIDERS.get(provider)?.silentOn.has(one.operation.name) === true &&
  (one.operation.name === 'CreateMultipartUpload' || !(isRaw(one) || isUnproven(one)))

/** What may never be, each with its name. */
const FAULTS: Readonly<Record<string, (outcome: Outcome) => boolean>> = {
  'a denied request left': ({ effect, sent }) => effect.kind === 'deny' && sent.length > 0,
  'a header that the provider acts upon left unsigned': ({ onWire }) => onWire.some(unsignedHeader),
  'one request has the words of two families': isOfTwoFamilies,
  'half a triple left': ({ effect, sent }) =>
    effect.kind === 'encrypt' && sent.some(each => hasAny(each, TRIPLE) && !hasAll(each, TRIPLE)),
  'two methods on one request': ({ effect, sent }) =>
    effect.kind === 'encrypt' &&
    sent.some(each => hasAny(each, TRIPLE) && each.headers.has('x-amz-server-side-encryption')),
  'a write without its method': outcome =>
    isWriteByMethod(outcome) &&
    TAKES_METHOD.includes(outcome.one.operation.name) &&
    outcome.sent.some(isWrite) &&
    !outcome.sent.filter(isWrite).some(each => hasMethod(each, outcome.effect)),
  'a second method beside the provider’s own': outcome =>
    isWriteByMethod(outcome) && outcome.sent.some(each => isWrite(each) && hasAny(each, TRIPLE)),
  'a write without its method called a success': outcome =>
    isWriteByMethod(outcome) &&
    outcome.succeeded &&
    !(outcome.echoing === 'ours' && TAKES_METHOD.includes(outcome.one.operation.name)) &&
    !isVouchedFor(outcome),
  'a triple where none belongs': ({ one, sent }) =>
    sent.slice(0, 1).some(each => !one.operation.object && hasAny(each, TRIPLE)),
  'a source triple where none belongs': ({ one, sent }) =>
    sent.slice(0, 1).some(each => !one.operation.source && hasAny(each, SOURCE)),
  'a covered write without our key': outcome =>
    isCoveredWrite(outcome) &&
    outcome.sent.filter(isWrite).some(each => !hasRightKey(each, outcome.effect as Encrypting)),
  'an unconfirmed write called a success': outcome =>
    isCoveredWrite(outcome) &&
    outcome.succeeded &&
    outcome.echoing !== 'ours' &&
    !isVouchedFor(outcome),
  'an upload that nothing proves completed unseen': ({
    one,
    effect,
    succeeded,
    echoing,
    provider,
  }) =>
    one.operation.name === 'CompleteMultipartUpload' &&
    effect.kind === 'encrypt' &&
    isUnproven(one) &&
    succeeded &&
    echoing !== 'ours' &&
    PROVIDERS.get(provider)?.partEcho === 'hint',
}

const faultsOf = (outcome: Outcome): readonly string[] =>
  Object.entries(FAULTS)
    .filter(([, isFault]) => isFault(outcome))
    .map(([name]) => name)

const run = async (
  rules: readonly Rule[],
  one: Case,
  echoing: (typeof ECHOES)[number],
  provider: string,
): Promise<Outcome> => {
  const transport = recordingTransport(request => {
    const asked = inS3Words(request, provider)
    const headers = echo(asked, echoing)
    return {
      status: 200,
      headers: writeResponse(familyOf(provider), headers, 'object', asked.headers),
      body: DOCUMENT,
    }
  })
  const journey = journeyOf({ rules, keyrings: KEYRINGS, transport, provider })
  const answer = await journey(requestOf(one.asked), AbortSignal.timeout(5000)).catch(
    () => undefined,
  )
  return {
    one,
    effect: decides(rules, one) ?? { kind: 'deny' },
    sent: transport.sent.map(request => inS3Words(request, provider)),
    onWire: transport.sent,
    succeeded: answer !== undefined && answer.status < 300,
    echoing,
    provider,
  }
}

t.test('a covered write carries the triple, confirmed, or there is no success', async t => {
  let covered = 0
  await fc.assert(
    fc.asyncProperty(
      rules,
      aCase,
      fc.constantFrom(...ECHOES),
      fc.constantFrom(...S3_PROVIDERS),
      async (rules, one, echoing, provider) => {
        const outcome = await run(rules, one, echoing, provider)
        if (isCoveredWrite(outcome)) covered += 1
        const faults = faultsOf(outcome)
        if (faults.length > 0) throw new Error(faults.join('; '))
      },
    ),
    { numRuns: 12_000 },
  )
  t.ok(covered > 400, `${covered} covered writes were looked at`)
})

t.test('a part goes with the key of its upload', async t => {
  const transport = recordingTransport(request => ({
    status: 200,
    headers: echo(request, 'ours'),
    body: '',
  }))
  const journey = journeyOf({
    rules: [{ name: 'all', match: {}, effect: encrypt() }],
    keyrings: KEYRINGS,
    transport,
  })
  const [main] = KEYRINGS
  if (main === undefined) throw new Error('no keyring')
  for (const [index, { id: version }] of main.versions.entries()) {
    const id = sealUploadId(main, version, { bucket: 'aaa', objectKey: 'k' }, 'ID')
    await journey(
      requestOf({
        method: 'PUT',
        path: '/aaa/k',
        query: `partNumber=1&uploadId=${id}`,
        headers: new Map([
          ['host', 'proxy.example'],
          ['content-length', '1'],
        ]),
        body: 'p',
      }),
      AbortSignal.timeout(5000),
    )
    const sent = transport.sent[index]
    t.equal(sent?.headers.get(KEY), OUR_KEYS[index])
    t.equal(queryValue(parseQuery(sent?.target.split('?')[1] ?? ''), 'uploadId'), 'ID')
  }
})
