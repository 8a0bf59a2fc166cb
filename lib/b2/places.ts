import { LRUCache } from 'lru-cache'
import type { ObjectPlace } from '../s3/address.ts'
import { S3Error } from '../s3/error.ts'
import type { Journal } from '../s3/journal.ts'
import type { Ask } from './ask.ts'
import { isCustomerKey } from './encryption.ts'
import { fieldsOf, needText, textOf } from './fields.ts'
import { isPlain } from './method.ts'
import type { Session } from './session.ts'

/** A file version: where it is, which is what rules speak of. */
export interface FilePlace extends ObjectPlace {
  readonly bucketId: string
  /** Whether it is encrypted with a customer key. */
  readonly isEncrypted: boolean
  /** Whether nothing encrypts it. */
  readonly isPlain: boolean
}

export interface About {
  readonly session: Session
  readonly journal: Journal
  readonly signal: AbortSignal
}

/** What B2's ids stand for. */
export interface Places {
  /** @throws {UpstreamRefusal} what the provider says instead, such as that the token is expired */
  bucketName(about: About, bucketId: string): Promise<string>
  /** @throws {UpstreamRefusal} */
  file(about: About, fileId: string): Promise<FilePlace>
}

/** Neither ids nor the names and methods that belong to them ever change, so what was looked up once stays true. */
const REMEMBERED = 10_000

const unknownBucket = (): S3Error =>
  new S3Error(
    'InvalidRequest',
    'The bucket id is unknown, or the application key of the provider may not list it.',
  )

/** Looks ids up at the provider, and remembers them. */
export const createPlaces = (ask: Ask): Places => {
  const buckets = new LRUCache<string, string>({ max: REMEMBERED })
  const files = new LRUCache<string, FilePlace>({ max: REMEMBERED })
  const keyOf = ({ session }: About, id: string): string =>
    JSON.stringify([session.upstream.name, id])

  const lookUpBucket = async (about: About, bucketId: string): Promise<string> => {
    const { session } = about
    const fields = { accountId: session.account, bucketId }
    const found = (await ask(session, 'b2_list_buckets', fields, about))['buckets']
    const bucket = (Array.isArray(found) ? found : [])
      .map(fieldsOf)
      .find(each => each['bucketId'] === bucketId)
    const name = bucket && textOf(bucket, 'bucketName')
    if (name === undefined) throw unknownBucket()
    return name
  }
  const bucketName: Places['bucketName'] = async (about, bucketId) => {
    const key = keyOf(about, bucketId)
    const known = about.session.buckets.find(([id]) => id === bucketId)?.[1] ?? buckets.get(key)
    const name = known ?? (await lookUpBucket(about, bucketId))
    buckets.set(key, name)
    return name
  }
  return {
    bucketName,
    file: async (about, fileId) => {
      const known = files.get(keyOf(about, fileId))
      if (known !== undefined) return known
      const found = await ask(about.session, 'b2_get_file_info', { fileId }, about)
      const bucketId = needText(found, 'bucketId')
      const place = {
        bucketId,
        bucket: await bucketName(about, bucketId),
        objectKey: needText(found, 'fileName'),
        isEncrypted: isCustomerKey(found),
        isPlain: isPlain(found),
      }
      files.set(keyOf(about, fileId), place)
      return place
    },
  }
}
