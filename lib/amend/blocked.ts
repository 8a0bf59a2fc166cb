import { type CopyRooms, settled } from '../copy/rooms.ts'
import { documentText } from '../response/document.ts'
import { S3Error } from '../s3/error.ts'
import { operationNamed } from '../s3/operation.ts'
import { elementText } from '../s3/xml.ts'
import type { AttemptedRequest } from '../ssec/attempt.ts'
import { stepAtBucket } from '../ssec/step.ts'

/** What was found out of buckets that deny writes, for a while: why, or nothing that has to do with SSE-C. */
export interface BlockMemory {
  get(bucket: string): string | undefined
  set(bucket: string, why: string): unknown
}

export interface AmendRooms extends CopyRooms {
  readonly blocks: BlockMemory
}

/**
 * Explains the 403 of an AWS bucket that blocks SSE-C, which is the same as that of a client that may not write: the
 * bucket's encryption configuration tells, and is asked for once in a while.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
 *
 * @throws {S3Error} `AccessDenied` with the remedy
 */
export const explainBlock = async (
  attempted: AttemptedRequest,
  rooms: AmendRooms,
): Promise<AttemptedRequest> => {
  const { request, attempt, answer } = attempted
  const { address } = request
  const isDenied = answer.status === 403 && codeOf(answer) === 'AccessDenied'
  const mayBeBlocked = isDenied && rooms.profile.blocksSseC && attempt.object !== undefined
  if (!mayBeBlocked || request.operation.class !== 'write' || address.level !== 'object') {
    return attempted
  }
  const why = await whyDenied(attempted, address.bucket, rooms)
  if (why === NOT_BLOCKED) return attempted
  throw new S3Error('AccessDenied', why)
}

const codeOf = (answer: AttemptedRequest['answer']): string | undefined =>
  elementText(documentText(answer), 'Code')

const NOT_BLOCKED = ''

const whyDenied = async (
  { request }: AttemptedRequest,
  bucket: string,
  { attempt, blocks }: AmendRooms,
): Promise<string> => {
  const place = JSON.stringify([request.client.name, bucket])
  const known = blocks.get(place)
  if (known !== undefined) return known
  const asked = await attempt(stepAtBucket(request, bucket, ENCRYPTION))
  const why = readConfiguration(bucket, await settled(asked.answer))
  blocks.set(place, why)
  return why
}

const ENCRYPTION = {
  operation: operationNamed('GetBucketEncryption').name,
  query: [{ name: 'encryption', value: '' }],
  headers: new Map<string, string>(),
}

const readConfiguration = (bucket: string, answer: AttemptedRequest['answer']): string => {
  const xml = documentText(answer)
  if (answer.status !== 200) {
    return `The storage provider denies this write. If the same credentials may write there without SSE-C, the bucket blocks it, as new AWS buckets do since April 2026 (they may not read its encryption configuration, which would tell). ${remedy(bucket, '')}`
  }
  return /<EncryptionType>\s*SSE-C\s*</.test(xml)
    ? `Bucket '${bucket}' blocks SSE-C, as new AWS buckets do since April 2026, so that nothing can be written there with a customer key. ${remedy(bucket, xml)}`
    : NOT_BLOCKED
}

/** The command that unblocks a bucket, and leaves its default encryption as it is. */
const remedy = (bucket: string, xml: string): string => {
  const algorithm = elementText(xml, 'SSEAlgorithm') ?? 'AES256'
  const kmsKey = elementText(xml, 'KMSMasterKeyID')
  const bucketKey = elementText(xml, 'BucketKeyEnabled')
  const configuration = {
    Rules: [
      {
        ApplyServerSideEncryptionByDefault: {
          SSEAlgorithm: algorithm,
          ...(kmsKey !== undefined && { KMSMasterKeyID: kmsKey }),
        },
        ...(bucketKey !== undefined && { BucketKeyEnabled: bucketKey === 'true' }),
        BlockedEncryptionTypes: { EncryptionType: ['NONE'] },
      },
    ],
  }
  return `To allow it, as somebody with s3:PutEncryptionConfiguration: aws s3api put-bucket-encryption --bucket ${bucket} --server-side-encryption-configuration '${JSON.stringify(configuration)}'`
}
