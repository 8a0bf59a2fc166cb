import type { Credentials } from '../s3/credentials.ts'
import { Secret } from '../s3/secret.ts'
import type { Upstream } from '../transport/upstream.ts'
import { type Fields, fieldsOf, needText, textOf } from './fields.ts'
import { originOf } from './upstream.ts'

export type BucketName = readonly [id: string, name: string]

/** What the provider gives to whoever authorises itself. */
export interface Account {
  /** The provider's own. */
  readonly token: Secret<string>
  /** Origin of calls. */
  readonly api: string
  /** Origin of downloads. */
  readonly download: string
  readonly account: string
  /** Buckets that the provider's key is restricted to. */
  readonly buckets: readonly BucketName[]
}

/** How an application key says itself to `b2_authorize_account`. */
export const basicAuthorization = ({
  accessKeyId,
  secretAccessKey,
}: Pick<Credentials, 'accessKeyId' | 'secretAccessKey'>): Secret<string> => {
  const pair = `${accessKeyId}:${secretAccessKey.expose()}`
  return new Secret(`Basic ${Buffer.from(pair).toString('base64')}`)
}

/** Where a document has its URLs: v1 and v2 have all in one, v3 and v4 under apiInfo.storageApi. */
export const storageOf = (document: Fields): Fields => {
  const nested = fieldsOf(document['apiInfo'])['storageApi']
  return nested === undefined ? document : fieldsOf(nested)
}

/** The buckets that a key is restricted to, in the words of any version. */
const bucketsOf = (storage: Fields): BucketName[] => {
  const allowed = storage['allowed'] === undefined ? storage : fieldsOf(storage['allowed'])
  const listed = Array.isArray(allowed['buckets']) ? allowed['buckets'].map(fieldsOf) : []
  const single = { id: allowed['bucketId'], name: allowed['bucketName'] }
  return [...listed, single].flatMap(({ id, name }) =>
    typeof id === 'string' && typeof name === 'string' ? [[id, name] as const] : [],
  )
}

/**
 * Reads the document of `b2_authorize_account`, of any version.
 *
 * @throws {S3Error} `UpstreamUnavailable` when it names a host that no key may be sent to
 */
export const accountOf = (document: Fields, upstream: Upstream): Account => {
  const storage = storageOf(document)
  return {
    token: new Secret(needText(document, 'authorizationToken')),
    api: originOf(needText(storage, 'apiUrl'), upstream),
    download: originOf(needText(storage, 'downloadUrl'), upstream),
    account: textOf(document, 'accountId') ?? '',
    buckets: bucketsOf(storage),
  }
}
