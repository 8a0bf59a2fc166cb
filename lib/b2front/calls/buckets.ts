import type { Client } from '../../authenticate/client.ts'
import { jsonAnswer } from '../../b2/error.ts'
import { type Fields, fieldsOf, needText, textOf } from '../../b2/fields.ts'
import { checkBucketName } from '../../s3/address.ts'
import { S3Error } from '../../s3/error.ts'
import { tell } from '../ask.ts'
import {
  type Answer,
  accountIdOf,
  bucketAddress,
  bucketIn,
  type FrontCall,
  refuseFields,
} from '../call.ts'
import { bucketIdOf, bucketOfId } from '../ids.ts'
import { refusalOf } from '../refusal.ts'
import { fieldIn, innerOf } from '../xml.ts'

/** B2's words for settings that nobody looked up. */
const UNREAD = { isClientAuthorizedToRead: false, value: null }

const bucketDocument = (client: Client, bucketName: string, known: Fields = {}): Fields => ({
  accountId: accountIdOf(client),
  bucketId: bucketIdOf(bucketName),
  bucketName,
  bucketType: 'allPrivate',
  bucketInfo: {},
  corsRules: [],
  defaultServerSideEncryption: UNREAD,
  fileLockConfiguration: UNREAD,
  lifecycleRules: [],
  options: ['s3'],
  replicationConfiguration: UNREAD,
  revision: 1,
  ...known,
})

/** The one bucket that a listing is asked for; none when it is not there. */
const lookUp = async ({ ask }: FrontCall, bucket: string): Promise<readonly string[]> => {
  const answer = await ask({ method: 'HEAD', address: bucketAddress(bucket) })
  if (answer.status === 404) return []
  if (answer.status >= 300) throw refusalOf(answer)
  return [bucket]
}

const listAll = async ({ ask }: FrontCall): Promise<readonly string[]> => {
  const { xml } = await tell(ask, { method: 'GET', address: { level: 'service' } })
  return innerOf(xml, ['Bucket']).flatMap(([, inner]) => fieldIn(inner, 'Name') ?? [])
}

export const listBuckets: Answer = async call => {
  const { fields, caller } = call
  const id = textOf(fields, 'bucketId')
  const name = id === undefined ? textOf(fields, 'bucketName') : bucketOfId(id)
  if (name !== undefined) checkBucketName(name)
  const found = name === undefined ? await listAll(call) : await lookUp(call, name)
  const types = fields['bucketTypes']
  const isAsked = !Array.isArray(types) || types.includes('all') || types.includes('allPrivate')
  const buckets = isAsked ? found.map(each => bucketDocument(caller.client, each)) : []
  return jsonAnswer(200, { buckets })
}

/** What a bucket of B2's has and one of S3's has not, or not in such words. */
const FOREIGN = [
  'bucketInfo',
  'corsRules',
  'defaultRetention',
  'fileLockEnabled',
  'lifecycleRules',
  'replicationConfiguration',
]

const checkSettings = (fields: Fields): void => {
  refuseFields(
    fields,
    FOREIGN.filter(name => fields[name] !== false),
  )
  const type = textOf(fields, 'bucketType')
  if (type !== undefined && type !== 'allPrivate') {
    throw new S3Error(
      'NotImplemented',
      `bucketType ${type} is not served by this proxy: downloads need a token.`,
    )
  }
}

const AES256 =
  '<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>'

/** Sets what files are encrypted with that nobody says otherwise of. */
const setEncryption = async ({ ask, fields }: FrontCall, bucket: string): Promise<Fields> => {
  const said = fields['defaultServerSideEncryption']
  if (said === undefined || said === null) return {}
  const mode = textOf(fieldsOf(said), 'mode') ?? 'none'
  const asking = { address: bucketAddress(bucket), query: [['encryption', '']] as const }
  if (mode === 'none') await tell(ask, { method: 'DELETE', ...asking })
  else if (mode === 'SSE-B2')
    await tell(ask, { method: 'PUT', ...asking, body: { kind: 'document', xml: AES256 } })
  else throw new S3Error('InvalidRequest', 'SSE-C cannot be the default of a bucket.')
  const value = mode === 'none' ? { mode, algorithm: null } : { mode, algorithm: 'AES256' }
  return { defaultServerSideEncryption: { isClientAuthorizedToRead: true, value } }
}

const VERSIONED =
  '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>'

/** Every bucket of B2's keeps versions; one whose provider or policy has it otherwise keeps none. */
const keepVersions = async ({ ask }: FrontCall, bucket: string): Promise<void> => {
  const asking = { address: bucketAddress(bucket), query: [['versioning', '']] as const }
  try {
    await tell(ask, { method: 'PUT', ...asking, body: { kind: 'document', xml: VERSIONED } })
  } catch {
    // The bucket is there all the same, and hiding a file in it is refused.
  }
}

// AWS alone wants to be told the region again; others know none but theirs.
const locationOf = ({ caller }: FrontCall) => {
  const { provider, region } = caller.upstream
  if (provider !== 'aws' || region === 'us-east-1') return {}
  const xml = `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`
  return { body: { kind: 'document', xml } as const }
}

export const createBucket: Answer = async call => {
  const { fields, caller, ask } = call
  const name = needText(fields, 'bucketName')
  checkBucketName(name)
  checkSettings(fields)
  await tell(ask, { method: 'PUT', address: bucketAddress(name), ...locationOf(call) })
  await keepVersions(call, name)
  return jsonAnswer(200, bucketDocument(caller.client, name, await setEncryption(call, name)))
}

export const updateBucket: Answer = async call => {
  const bucket = bucketIn(call.fields)
  checkSettings(call.fields)
  const changed = await setEncryption(call, bucket)
  return jsonAnswer(200, bucketDocument(call.caller.client, bucket, changed))
}

export const deleteBucket: Answer = async ({ fields, caller, ask }) => {
  const bucket = bucketIn(fields)
  await tell(ask, { method: 'DELETE', address: bucketAddress(bucket) })
  return jsonAnswer(200, bucketDocument(caller.client, bucket))
}
