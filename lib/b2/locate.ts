import { receiveBody } from '../body/receive.ts'
import { S3Error } from '../s3/error.ts'
import { CALLS, type Call } from './calls.ts'
import { type Fields, needText, parseFields, textOf } from './fields.ts'
import { decodeB2 } from './file-name.ts'
import { type LargeFile, openLargeFile } from './large-file.ts'
import type { About, FilePlace, Places } from './places.ts'
import type { B2Request } from './request.ts'
import type { Seals } from './seals.ts'
import type { Session } from './session.ts'

/** What a request is about, in the words of the policy: a part that is absent is not spoken of. */
export interface Target {
  readonly bucket?: string | undefined
  readonly objectKey?: string | undefined
}

/** A request whose ids have become names. */
export interface Located {
  readonly request: B2Request
  readonly call: Call
  readonly session: Session
  /** Of the document or the query, with the provider's own ids. */
  readonly fields: Fields
  readonly target: Target
  /** The large file under way that it is about, when the proxy gave out its id. */
  readonly large: LargeFile | undefined
  /** The id of that, or of the file, as the client said it. */
  readonly saidFileId: string | undefined
  /** What a copy reads. */
  readonly source: FilePlace | undefined
}

export interface LocateParts {
  readonly seals: Seals
  readonly places: Places
  /** Bytes of a JSON document at most. */
  readonly documentBytes: number
}

/** Length of a request's body. B2 takes none without it. */
export const bodyLength = ({ headers }: B2Request): number => {
  const length = headers.get('content-length')
  if (length === undefined && !headers.has('transfer-encoding')) return 0
  if (length === undefined || !/^\d{1,15}$/.test(length)) throw new S3Error('MissingContentLength')
  return Number(length)
}

const payloadOf = (request: B2Request) => {
  const length = bodyLength(request)
  return length === 0 ? undefined : { length, hash: '', filter: undefined, trailer: undefined }
}

/** The call that a request makes. */
export const callOf = (request: B2Request): Call => {
  const call = CALLS.get(request.call)
  if (call === undefined) throw new Error(`${request.call} is in no table`)
  return call
}

/**
 * The fields of a request's document, or of its query.
 *
 * @throws {S3Error} `InvalidRequest`, `MaxMessageLengthExceeded`
 */
export const readFields = async (request: B2Request, documentBytes: number): Promise<Fields> => {
  if (request.method !== 'POST') {
    return Object.fromEntries(request.query.map(({ name, value }) => [name, value]))
  }
  const payload = payloadOf(request)
  request.proceed()
  const body = await receiveBody(request.wire, payload, true, documentBytes)
  return parseFields(body.kind === 'bytes' ? body.bytes.toString('utf8') : '')
}

const bucketTarget = async (
  { places }: LocateParts,
  about: About,
  fields: Fields,
): Promise<Target> => ({
  bucket: await places.bucketName(about, needText(fields, 'bucketId')),
})

/** Bucket and file of a download's path, in the one spelling that policy and provider both get. */
export const pathTarget = (
  rest: string,
): Required<Target> & { bucket: string; objectKey: string } => {
  const slash = rest.indexOf('/')
  const bucket = decodeB2(slash < 0 ? rest : rest.slice(0, slash))
  const objectKey = slash < 0 ? '' : decodeB2(rest.slice(slash + 1))
  if (!/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(bucket) || objectKey === '') {
    throw new S3Error('InvalidURI', 'A download names a bucket and a file: /file/bucket/name')
  }
  return { bucket, objectKey }
}

type Found = Partial<Pick<Located, 'fields' | 'large' | 'saidFileId' | 'source'>> & {
  readonly target: Target
}

const locateFile = async (parts: LocateParts, about: About, fields: Fields): Promise<Found> => {
  const saidFileId = needText(fields, 'fileId')
  const large = openLargeFile(parts.seals, saidFileId)
  if (large !== undefined)
    return { target: large, large, saidFileId, fields: { ...fields, fileId: large.fileId } }
  const place = await parts.places.file(about, saidFileId)
  const name = textOf(fields, 'fileName')
  if (name !== undefined && name !== place.objectKey) {
    throw new S3Error('InvalidRequest', 'The file name is not that of the file id.')
  }
  return { target: place, saidFileId }
}

const locateCopy = async (parts: LocateParts, about: About, fields: Fields): Promise<Found> => {
  const source = await parts.places.file(about, needText(fields, 'sourceFileId'))
  if (fields['largeFileId'] !== undefined) {
    const { target, large, saidFileId } = await locateFile(parts, about, {
      fileId: fields['largeFileId'],
    })
    return {
      source,
      target,
      large,
      saidFileId,
      fields: { ...fields, largeFileId: large?.fileId ?? saidFileId },
    }
  }
  const destination = textOf(fields, 'destinationBucketId')
  const bucket =
    destination === undefined ? source.bucket : await parts.places.bucketName(about, destination)
  return { source, target: { bucket, objectKey: needText(fields, 'fileName') } }
}

const find = async (
  parts: LocateParts,
  about: About,
  call: Call,
  request: B2Request,
  fields: Fields,
): Promise<Found> => {
  switch (call.place) {
    case 'account':
      if (textOf(fields, 'bucketId') !== undefined)
        return { target: await bucketTarget(parts, about, fields) }
      return { target: { bucket: textOf(fields, 'bucketName') } }
    case 'bucket':
      return { target: await bucketTarget(parts, about, fields) }
    case 'prefix': {
      const objectKey = textOf(fields, call.prefixField ?? '')
      return { target: { ...(await bucketTarget(parts, about, fields)), objectKey } }
    }
    case 'name': {
      const objectKey = needText(fields, 'fileName')
      return { target: { ...(await bucketTarget(parts, about, fields)), objectKey } }
    }
    case 'file':
      return locateFile(parts, about, fields)
    case 'path':
      return { target: pathTarget(request.rest) }
    case 'copy':
      return locateCopy(parts, about, fields)
    case 'upload':
      throw new Error('an upload is about what its URL says')
  }
}

/**
 * Finds what a request is about: names for its ids, and its own ids for those that the proxy gave out.
 *
 * @throws {S3Error} `InvalidRequest`, `InvalidURI`
 * @throws {UpstreamRefusal} what the provider says of an id
 */
export const locate = async (
  request: B2Request,
  session: Session,
  parts: LocateParts,
  signal: AbortSignal,
): Promise<Located> => {
  const call = callOf(request)
  const fields = await readFields(request, parts.documentBytes)
  const about = { session, journal: request.journal, signal }
  const found = await find(parts, about, call, request, fields)
  request.journal.note({ bucket: found.target.bucket })
  const located = {
    request,
    call,
    session,
    fields,
    large: undefined,
    saidFileId: undefined,
    source: undefined,
  }
  return { ...located, ...found }
}
