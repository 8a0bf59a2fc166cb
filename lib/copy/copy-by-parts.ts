import { documentText } from '../response/document.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText, escapeXml } from '../s3/xml.ts'
import type { EnforcedRequest, UploadState } from '../ssec/enforce.ts'
import { echoes, isTripleHeader } from '../ssec/headers.ts'
import { type Step, stepAtDestination } from '../ssec/step.ts'
import { copiedBody } from './copied-body.ts'
import { copyResult, type Made, madeBy } from './result.ts'
import { type CopyRooms, demand } from './rooms.ts'
import { closeSource, openSource, type Range, type Source, sourceOwner } from './source.ts'
import { keepTags } from './tags.ts'
import { destinationConditions, requesterHeaders } from './written-headers.ts'

const MOST_PARTS = 10_000

/**
 * The ranges that an object of `length` bytes is copied in.
 *
 * @param part bytes of each but the last, unless there were too many of them
 */
export const partRanges = (length: number, part: number): readonly Range[] => {
  const size = Math.max(part, Math.ceil(length / MOST_PARTS))
  return Array.from({ length: Math.ceil(length / size) }, (_, index) => ({
    first: index * size,
    last: Math.min((index + 1) * size, length) - 1,
  }))
}

/** An upload that a copy is written by. */
interface Upload {
  readonly copy: EnforcedRequest
  readonly rooms: CopyRooms
  readonly id: string
  readonly state: UploadState
}

/** What the provider said of the parts. */
interface Parts {
  readonly etags: readonly string[]
  /** The echo of their key; empty where none belongs. */
  readonly echo: Headers
}

/**
 * Writes a copy by parts, each read anew from the source, which may not change meanwhile. What fails is not left
 * behind.
 *
 * @param source is read again, and so let go of
 * @param headers what the object is written with
 * @throws {S3Error} `OperationAborted` when the source changed
 * @throws {StepRefused}
 */
export const copyByParts = async (
  copy: EnforcedRequest,
  rooms: CopyRooms,
  source: Source,
  headers: Headers,
): Promise<S3Response> => {
  closeSource(source)
  const upload = await createUpload(copy, rooms, headers)
  try {
    const parts = await copyParts(upload, source)
    const answer = await completeUpload(upload, parts.etags)
    await keepTags(copy, rooms, answer, headers.get('x-amz-tagging') ?? '')
    const made = madeOf(upload, answer)
    return copyResult(
      'CopyObjectResult',
      made,
      withHeaders(answer.headers, [...parts.echo]),
      source,
    )
  } catch (error) {
    await abortUpload(upload)
    throw error
  }
}

const createUpload = async (
  copy: EnforcedRequest,
  rooms: CopyRooms,
  headers: Headers,
): Promise<Upload> => {
  const query = [{ name: 'uploads', value: '' }]
  const step: Step = { operation: 'CreateMultipartUpload', query, headers }
  const answer = await demand(rooms, stepAtDestination(copy, step, rooms.profile))
  const id = elementText(documentText(answer), 'UploadId')
  if (id === undefined) {
    throw new S3Error('UpstreamUnavailable', 'The storage provider gave the upload no id.')
  }
  const [{ object }] = copy.attempts
  const isConfirmed = object !== undefined && echoes(answer.headers, object)
  return { copy, rooms, id, state: isConfirmed ? 'confirmed' : 'unconfirmed' }
}

const stepOf = (
  { copy, rooms, id, state: upload }: Upload,
  { query = [], headers, ...step }: Omit<Step, 'headers'> & { readonly headers?: Headers },
): EnforcedRequest =>
  stepAtDestination(
    copy,
    {
      ...step,
      upload,
      query: [...query, { name: 'uploadId', value: id }],
      headers: withHeaders(requesterHeaders(copy), [...(headers ?? [])]),
    },
    rooms.profile,
  )

const copyParts = async (upload: Upload, source: Source): Promise<Parts> => {
  const etags: string[] = []
  let echo: Headers = new Map()
  for (const range of partRanges(source.length, upload.rooms.limits.part)) {
    const headers = await copyOnePart(upload, source, range, etags.length + 1)
    etags.push(headers.get('etag') ?? '')
    echo = new Map([...headers].filter(([name]) => isTripleHeader('object', name)))
  }
  return { etags, echo }
}

/** @returns the headers of the provider's answer */
const copyOnePart = async (
  upload: Upload,
  whole: Source,
  range: Range,
  number: number,
): Promise<Headers> => {
  const { copy, rooms } = upload
  const source = await openUnchanged(copy, rooms, whole, range)
  try {
    const step = stepOf(upload, {
      operation: 'UploadPart',
      query: [{ name: 'partNumber', value: String(number) }],
      body: copiedBody(copy, source, new Map()),
    })
    return (await demand(rooms, step)).headers
  } finally {
    closeSource(source)
  }
}

const openUnchanged = async (
  copy: EnforcedRequest,
  rooms: CopyRooms,
  whole: Source,
  range: Range,
): Promise<Source> => {
  const unchanged = [['if-match', whole.headers.get('etag') ?? '""']] as const
  try {
    return await openSource(copy, rooms, withHeaders(sourceOwner(copy), unchanged), range)
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== 'PreconditionFailed') throw error
    throw new S3Error('OperationAborted', 'The copy source was changed while it was copied.')
  }
}

const partsXml = (etags: readonly string[]): string => {
  const parts = etags.map(
    (etag, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
  )
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`
}

const completeUpload = (upload: Upload, etags: readonly string[]): Promise<S3Response> =>
  demand(
    upload.rooms,
    stepOf(upload, {
      operation: 'CompleteMultipartUpload',
      headers: destinationConditions(upload.copy),
      body: { kind: 'bytes', bytes: Buffer.from(partsXml(etags)), trailer: undefined },
    }),
  )

const madeOf = ({ rooms }: Upload, answer: S3Response): Made => ({
  ...madeBy(answer, rooms.now()),
  etag: elementText(documentText(answer), 'ETag') ?? '',
})

/** The first failure is the one to tell; what cannot even be aborted, the bucket's lifecycle must sweep. */
const abortUpload = async (upload: Upload): Promise<void> => {
  await upload.rooms
    .cleanUp(stepOf(upload, { operation: 'AbortMultipartUpload' }))
    .catch(() => undefined)
}
