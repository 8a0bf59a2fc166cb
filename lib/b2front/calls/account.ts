import type { Fields } from '../../b2/fields.ts'
import type { B2Request } from '../../b2/request.ts'
import type { Member } from '../../b2/session.ts'
import { accountIdOf } from '../call.ts'

/** What the lane serves. Whether a client may is its policy's to say, each time. */
const CAPABILITIES = [
  'deleteBuckets',
  'deleteFiles',
  'listBuckets',
  'listFiles',
  'readBucketEncryption',
  'readBuckets',
  'readFiles',
  'shareFiles',
  'writeBucketEncryption',
  'writeBuckets',
  'writeFiles',
]

/** The smallest part that S3 takes, but for the last: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const LEAST_PART = 5 * 1024 * 1024
/** B2's own recommendation. */
const USUAL_PART = 100_000_000

const SIZES = { absoluteMinimumPartSize: LEAST_PART, recommendedPartSize: USUAL_PART }
const UNRESTRICTED = { bucketId: null, bucketName: null, namePrefix: null }

/**
 * The account's document, in the words of the version that was asked for.
 * https://www.backblaze.com/apidocs/b2-authorize-account
 *
 * @param token what the client calls with from now on
 * @param s3Url the URL that clients reach the proxy's S3 listener by
 */
export const accountDocument = (
  { version, base }: Pick<B2Request, 'version' | 'base'>,
  { client }: Member,
  token: string,
  s3Url: string,
): Fields => {
  const account = { accountId: accountIdOf(client), authorizationToken: token }
  const urls = { apiUrl: base, downloadUrl: base, s3ApiUrl: s3Url }
  const capabilities = CAPABILITIES
  if (version === 'v1' || version === 'v2') {
    const allowed = { ...UNRESTRICTED, capabilities }
    return { ...account, ...urls, ...SIZES, minimumPartSize: USUAL_PART, allowed }
  }
  const storage = { ...urls, ...SIZES, infoType: 'storageApi' }
  const allowed =
    version === 'v3'
      ? { ...UNRESTRICTED, capabilities }
      : { allowed: { buckets: null, capabilities, namePrefix: null } }
  return {
    ...account,
    applicationKeyExpirationTimestamp: null,
    apiInfo: { storageApi: { ...storage, ...allowed } },
  }
}
