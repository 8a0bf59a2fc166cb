import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import type { RuleEffect } from '../../lib/policy/rule.ts'
import type { SignedRequest } from '../../lib/sign/sign.ts'
import { sealUploadId } from '../../lib/ssec/upload-id.ts'
import type { Transport } from '../../lib/transport/transport.ts'
import { type Asked, journeyOf, requestOf } from '../support/journey.ts'
import { encrypt, keyring, rule } from '../support/proxy.ts'

/*
 * What test/proxy/never-plain.test.ts says of S3's providers, of B2's native API: no covered write reaches it without the key
 * or the method, none goes where it does not belong, and nothing is a success that B2 did not confirm.
 */

const MAIN = keyring('main', 'v2', 'v1')
const OURS = MAIN.keysFor({ bucket: '', objectKey: '' }).map(key => key.base64.expose())
const BZ = 'x-bz-server-side-encryption'
const AMZ = 'x-amz-server-side-encryption'
const md5Of = (key: string): string =>
  createHash('md5').update(Buffer.from(key, 'base64')).digest('base64')
const OWN_KEY = Buffer.alloc(32, 7).toString('base64')
const OWN = {
  [`${AMZ}-customer-algorithm`]: 'AES256',
  [`${AMZ}-customer-key`]: OWN_KEY,
  [`${AMZ}-customer-key-md5`]: md5Of(OWN_KEY),
}

type Echo = 'ours' | 'none' | 'wrong'

/** A call that reached B2, with the key or method that it carries. */
interface Called {
  readonly call: string
  readonly names: readonly string[]
  readonly key: string | undefined
  readonly isByMethod: boolean
}

const FIELDS = ['serverSideEncryption', 'destinationServerSideEncryption']

const calledBy = (request: SignedRequest): Called => {
  const path = request.target.split('?')[0] ?? ''
  const call = path.startsWith('/file/') ? 'b2_download_file_by_name' : (path.split('/')[3] ?? '')
  const { body, headers } = request
  const isJson = body.kind === 'bytes' && headers.get('content-type') === 'application/json'
  const fields = isJson ? JSON.parse(body.bytes.toString()) : {}
  const [field = {}] = FIELDS.flatMap(name => fields[name] ?? [])
  return {
    call,
    names: [...headers.keys()],
    key: headers.get(`${BZ}-customer-key`) ?? field.customerKey,
    isByMethod: headers.get(BZ) === 'AES256' || field.mode === 'SSE-B2',
  }
}

const echoed = ({ key, isByMethod }: Called, echo: Echo): object => {
  if (echo === 'none' || (key === undefined && !isByMethod)) return { mode: null, algorithm: null }
  const isCustomers = echo === 'ours' ? key !== undefined : isByMethod
  const md5 = key === undefined || echo === 'ours' ? {} : { customerKeyMd5: md5Of(OURS[1] ?? '') }
  return { mode: isCustomers ? 'SSE-C' : 'SSE-B2', algorithm: 'AES256', ...md5 }
}

const ORIGIN = 'http://127.0.0.1:1'

const documentFor = (called: Called, echo: Echo): object => {
  const file = { bucketId: 'b', fileId: 'ID', fileName: 'k', contentSha1: 'c'.repeat(40) }
  switch (called.call) {
    case 'b2_authorize_account':
      return { accountId: 'a', authorizationToken: 't', apiUrl: ORIGIN, downloadUrl: ORIGIN }
    case 'b2_list_buckets':
      return { buckets: [{ bucketId: 'b', bucketName: 'aaa' }] }
    case 'b2_get_upload_url':
      return { uploadUrl: `${ORIGIN}/b2api/v2/b2_upload_file`, authorizationToken: 'u' }
    case 'b2_get_upload_part_url':
      return { uploadUrl: `${ORIGIN}/b2api/v2/b2_upload_part`, authorizationToken: 'u' }
    case 'b2_list_file_names':
      return {
        files: [
          {
            ...file,
            action: 'upload',
            serverSideEncryption: { mode: 'SSE-C', algorithm: 'AES256' },
          },
        ],
      }
    default:
      return { ...file, serverSideEncryption: echoed(called, echo) }
  }
}

const recording = (echo: Echo): Transport & { readonly called: Called[] } => {
  const called: Called[] = []
  return {
    called,
    send: async request => {
      const one = calledBy(request)
      called.push(one)
      if (request.body.kind === 'stream') request.body.wire.resume()
      const body = Readable.from([Buffer.from(JSON.stringify(documentFor(one, echo)))])
      return { status: 200, headers: new Map(), body }
    },
    close: async () => undefined,
  }
}

const SEALED = sealUploadId(MAIN, 'v1', { bucket: 'aaa', objectKey: 'k' }, 'ID')

const WRITES = {
  PutObject: ['PUT', () => '', 'body'],
  CopyObject: ['PUT', () => '', ''],
  CreateMultipartUpload: ['POST', () => 'uploads', ''],
  UploadPart: ['PUT', (id: string) => `partNumber=1&uploadId=${id}`, 'body'],
  UploadPartCopy: ['PUT', (id: string) => `partNumber=1&uploadId=${id}`, ''],
} as const

const askedFor = (name: keyof typeof WRITES, id: string, extra: object): Asked => {
  const [method, query, body] = WRITES[name]
  const copying = name.includes('Copy') ? { 'x-amz-copy-source': 'aaa/k' } : {}
  const length = body === '' ? {} : { 'content-length': String(body.length) }
  const headers = new Map(
    Object.entries({ host: 'proxy.example', ...copying, ...extra, ...length }),
  )
  return { method, path: '/aaa/k', query: query(id), headers, body }
}

const effect: fc.Arbitrary<RuleEffect> = fc.oneof(
  fc
    .record({
      plaintextReads: fc.constantFrom('allow' as const, 'deny' as const),
      clientKeys: fc.constantFrom('accept' as const, 'reject' as const),
      conflicts: fc.constantFrom('remove' as const, 'reject' as const),
      onUnconfirmed: fc.constantFrom('delete' as const, 'keep' as const),
    })
    .map(encrypt),
  fc.record({
    kind: fc.constant('provider' as const),
    method: fc.constantFrom({ sse: 's3' } as const, { sse: 'kms' } as const),
    plaintextReads: fc.constant('allow' as const),
    conflicts: fc.constantFrom('remove' as const, 'reject' as const),
    onUnconfirmed: fc.constantFrom('delete' as const, 'keep' as const),
  }),
  fc.constant<RuleEffect>({ kind: 'passthrough' }),
  fc.constant<RuleEffect>({ kind: 'deny' }),
)

const STORES = [
  'b2_upload_file',
  'b2_upload_part',
  'b2_start_large_file',
  'b2_copy_file',
  'b2_copy_part',
]
const MAKES = ['b2_upload_file', 'b2_start_large_file', 'b2_copy_file']

interface Outcome {
  readonly effect: RuleEffect
  readonly called: readonly Called[]
  readonly succeeded: boolean
  readonly echo: Echo
}

const stores = ({ called }: Outcome): readonly Called[] =>
  called.filter(({ call }) => STORES.includes(call))

/** What may never be, each with its name. */
const FAULTS: Readonly<Record<string, (outcome: Outcome) => boolean>> = {
  'a denied request left': ({ effect, called }) => effect.kind === 'deny' && called.length > 0,
  'a covered write without a key of the rule': outcome =>
    outcome.effect.kind === 'encrypt' &&
    stores(outcome).some(
      ({ key = '' }) =>
        !OURS.includes(key) &&
        !(
          outcome.effect.kind === 'encrypt' &&
          outcome.effect.clientKeys === 'accept' &&
          key === OWN_KEY
        ),
    ),
  'two methods at once': outcome =>
    stores(outcome).some(({ key, isByMethod }) => key !== undefined && isByMethod),
  'a write without its method': outcome =>
    outcome.effect.kind === 'provider' &&
    stores(outcome).some(({ call, isByMethod }) => MAKES.includes(call) && !isByMethod),
  'a key where the rule has a method': outcome =>
    outcome.effect.kind === 'provider' && stores(outcome).some(({ key }) => key !== undefined),
  'a key where none belongs': ({ called }) =>
    called.some(
      ({ call, key, isByMethod }) =>
        !STORES.includes(call) &&
        !call.startsWith('b2_download') &&
        (key !== undefined || isByMethod),
    ),
  "a word of S3's reached B2": ({ called }) =>
    called.some(({ names }) => names.some(name => name.startsWith('x-amz-'))),
  'an unconfirmed write called a success': outcome =>
    (outcome.effect.kind === 'encrypt' || outcome.effect.kind === 'provider') &&
    outcome.succeeded &&
    outcome.echo !== 'ours',
}

t.test('no covered write reaches B2 without its key or method, confirmed', async t => {
  let succeeded = 0
  await fc.assert(
    fc.asyncProperty(
      effect,
      fc.constantFrom(...(Object.keys(WRITES) as (keyof typeof WRITES)[])),
      fc.constantFrom(SEALED, 'ID'),
      fc.constantFrom<object>(
        {},
        OWN,
        { [AMZ]: 'AES256' },
        { [AMZ]: 'aws:kms' },
        { 'x-amz-meta-a': 'b' },
      ),
      fc.constantFrom<Echo>('ours', 'none', 'wrong'),
      async (effect, name, id, extra, echo) => {
        const transport = recording(echo)
        const rules = [rule(effect)]
        const journey = journeyOf({ rules, keyrings: [MAIN], transport, provider: 'b2-native' })
        const request = requestOf(askedFor(name, id, extra))
        const answer = await journey(request, AbortSignal.timeout(5000)).catch(() => undefined)
        const isSuccess = answer !== undefined && answer.status < 300
        if (isSuccess && effect.kind === 'encrypt') succeeded += 1
        const outcome = { effect, called: transport.called, succeeded: isSuccess, echo }
        const faults = Object.entries(FAULTS).filter(([, isFault]) => isFault(outcome))
        if (faults.length > 0) throw new Error(faults.map(([fault]) => fault).join('; '))
      },
    ),
    { numRuns: 600 },
  )
  t.ok(succeeded > 10, `${succeeded} covered writes went well`)
})
