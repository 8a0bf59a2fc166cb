import type { Client } from '../authenticate/client.ts'
import type { Fields } from '../b2/fields.ts'
import type { ObjectPlace } from '../s3/address.ts'
import type { Headers } from '../s3/headers.ts'
import { type AskS3, tell } from './ask.ts'
import { accountIdOf, objectAddress } from './call.ts'
import { encryptionIn } from './encryption.ts'
import { infoOf, sha1Of } from './file-info.ts'
import { bucketIdOf, type FileName, fileIdOf } from './ids.ts'

/** Milliseconds since 1970; 0 for what is no date. */
export const timestampOf = (date: string | undefined): number => {
  const at = Date.parse(date ?? '')
  return Number.isNaN(at) ? 0 : at
}

/** What a document says of a file; the rest is as B2 has it where nobody asked for it. */
export interface Described extends ObjectPlace {
  readonly action: 'upload' | 'hide' | 'folder' | 'start'
  /** Null for what is no file yet, or no file. */
  readonly fileId: string | null
  readonly contentLength: number
  readonly contentSha1: string | null
  readonly contentType: string | null
  readonly fileInfo: Fields
  readonly encryption: Fields
  readonly uploadTimestamp: number
}

const UNKNOWN = { isClientAuthorizedToRead: false, value: null }

/** A file's document, in the words of every version of the API. https://www.backblaze.com/apidocs/b2-get-file-info */
export const fileDocument = (client: Client, file: Described): Fields => {
  const { bucket, objectKey: fileName, encryption: serverSideEncryption, ...rest } = file
  return {
    accountId: accountIdOf(client),
    bucketId: bucketIdOf(bucket),
    fileName,
    ...rest,
    // v1 says it so.
    size: file.contentLength,
    contentMd5: null,
    fileRetention: UNKNOWN,
    legalHold: UNKNOWN,
    replicationStatus: null,
    serverSideEncryption,
  }
}

/** What B2 has for the SHA-1 of what was not uploaded with one. */
export const NO_SHA1 = 'none'

/** A stored file, as the headers of a HeadObject or GetObject tell of it. */
export const describe = (place: ObjectPlace, headers: Headers): Described => ({
  bucket: place.bucket,
  objectKey: place.objectKey,
  action: 'upload',
  fileId: fileIdOf(place, headers.get('x-amz-version-id'), headers.get('etag')),
  contentLength: Number(headers.get('content-length') ?? 0),
  contentSha1: sha1Of(headers) ?? NO_SHA1,
  contentType: headers.get('content-type') ?? 'application/octet-stream',
  fileInfo: infoOf(headers),
  encryption: encryptionIn(headers),
  uploadTimestamp: timestampOf(headers.get('last-modified')),
})

/** How a request asks for exactly the file of an id. */
export const askingFor = ({ bucket, objectKey, versionId, etag }: FileName) => ({
  address: objectAddress(bucket, objectKey),
  query: [['versionId', versionId]] as const,
  headers: etag === undefined ? [] : [['if-match', `"${etag}"`] as const],
})

/** Looks a file up. @throws {UpstreamRefusal} `not_found` */
export const head = async (ask: AskS3, file: FileName): Promise<Headers> =>
  (await tell(ask, { method: 'HEAD', ...askingFor(file) })).headers
