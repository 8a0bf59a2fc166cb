import { type CopyRooms, settled, take } from '../copy/rooms.ts'
import { requesterHeaders } from '../copy/written-headers.ts'
import { discard, documentText, withDocument } from '../response/document.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import type { OperationName } from '../s3/operation.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText, escapeXml } from '../s3/xml.ts'
import type { AttemptedRequest } from '../ssec/attempt.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'
import { echoesAny } from '../ssec/headers.ts'
import { stepAtObject } from '../ssec/step.ts'
import { partsCount } from './part.ts'

const ATTRIBUTES_HEADER = 'x-amz-object-attributes'

/**
 * GetObjectAttributes, whatever the provider makes of it: its own answer, or what a HEAD tells. A provider that does not
 * know `?attributes` may answer with the object itself, which is not read.
 *
 * @throws {S3Error} `InvalidArgument` for an attribute that S3 does not know
 */
export const getAttributes = async (
  request: EnforcedRequest,
  rooms: CopyRooms,
): Promise<AttemptedRequest> => {
  const own =
    rooms.profile.attributes === 'own' ? await askForAttributes(request, rooms) : undefined
  return own ?? attributesOfHead(request, rooms)
}

const askForAttributes = async (
  request: EnforcedRequest,
  rooms: CopyRooms,
): Promise<AttemptedRequest | undefined> => {
  const attempted = await rooms.attempt(withoutSpaces(request))
  if (attempted.answer.status >= 400) return isUnknown(attempted.answer) ? undefined : attempted
  if (isObject(attempted.answer)) {
    discard(attempted.answer)
    return undefined
  }
  const answer = await settled(attempted.answer)
  const isAnswer = /<GetObjectAttributes(?:Response|Output)[\s>]/.test(documentText(answer))
  return isAnswer ? ({ ...attempted, answer } as AttemptedRequest) : undefined
}

/** MinIO takes the spaces that an SDK puts behind commas for a part of the next name. */
const withoutSpaces = (request: EnforcedRequest): EnforcedRequest => {
  const text = request.headers.get(ATTRIBUTES_HEADER)
  if (text === undefined) return request
  const headers = withHeaders(request.headers, [[ATTRIBUTES_HEADER, text.replace(/\s+/g, '')]])
  return { ...request, headers } as EnforcedRequest
}

const isUnknown = (answer: S3Response): boolean =>
  answer.status === 501 ||
  answer.status === 405 ||
  elementText(documentText(answer), 'Code') === 'NotImplemented'

/** Whether an answer has the head of an object: that of attributes has no ETag, and no echo. */
const isObject = ({ headers }: S3Response): boolean =>
  headers.has('etag') || headers.has('accept-ranges') || echoesAny(headers)

const attributesOfHead = async (
  request: EnforcedRequest,
  rooms: CopyRooms,
): Promise<AttemptedRequest> => {
  const wanted = wantedAttributes(request)
  const head = await take(rooms, readOf(request, 'HeadObject'))
  if (head.answer.status !== 200) return refused(request, rooms)
  const { attempt, refusal } = head
  return { request, attempt, refusal, answer: answerOf(head.answer, wanted) } as AttemptedRequest
}

const readOf = (request: EnforcedRequest, operation: OperationName): EnforcedRequest =>
  stepAtObject(request, {
    operation,
    query: request.query.filter(({ name }) => name === 'versionId'),
    headers: withHeaders(requesterHeaders(request), [['x-amz-checksum-mode', 'ENABLED']]),
  })

/** A HEAD does not say why it was refused, and a GET does. */
const refused = async (request: EnforcedRequest, rooms: CopyRooms): Promise<AttemptedRequest> => {
  const { answer, attempt, refusal } = await take(rooms, readOf(request, 'GetObject'))
  if (answer.status >= 400) return { request, attempt, refusal, answer } as AttemptedRequest
  discard(answer)
  throw new S3Error('ServiceUnavailable', 'The object changed while it was asked about.')
}

type Tell = (headers: Headers) => string

const element = (name: string, text: string | undefined): string =>
  text === undefined ? '' : `<${name}>${escapeXml(text)}</${name}>`

const CHECKSUMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']

const checksumElement: Tell = headers => {
  const sums = CHECKSUMS.map(label =>
    element(`Checksum${label}`, headers.get(`x-amz-checksum-${label.toLowerCase()}`)),
  ).join('')
  const type = element('ChecksumType', headers.get('x-amz-checksum-type'))
  return sums === '' ? '' : `<Checksum>${sums}${type}</Checksum>`
}

// Parts are told one by one only where they have checksums, which a HEAD does not tell.
const partsElement: Tell = headers => {
  const count = partsCount(headers) ?? 0
  return count === 0 ? '' : `<ObjectParts><PartsCount>${count}</PartsCount></ObjectParts>`
}

/** In the order of the answer. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */
const ATTRIBUTES: readonly (readonly [name: string, tell: Tell])[] = [
  // Without quotes, here alone.
  ['ETag', headers => element('ETag', headers.get('etag')?.replaceAll('"', ''))],
  ['Checksum', checksumElement],
  ['ObjectParts', partsElement],
  [
    'StorageClass',
    headers => element('StorageClass', headers.get('x-amz-storage-class') ?? 'STANDARD'),
  ],
  ['ObjectSize', headers => element('ObjectSize', headers.get('content-length'))],
]

const wantedAttributes = ({ headers }: EnforcedRequest): ReadonlySet<string> => {
  const text = headers.get(ATTRIBUTES_HEADER) ?? ''
  const names = text.split(',').map(name => name.trim())
  if (names.every(name => ATTRIBUTES.some(([known]) => known === name))) return new Set(names)
  throw new S3Error('InvalidArgument', 'Invalid attribute name specified.', {
    details: { ArgumentName: ATTRIBUTES_HEADER, ArgumentValue: text },
  })
}

const KEPT = ['last-modified', 'x-amz-version-id', 'x-amz-request-id', 'x-amz-id-2']

const answerOf = ({ headers }: S3Response, wanted: ReadonlySet<string>): S3Response => {
  const told = ATTRIBUTES.map(([name, tell]) => (wanted.has(name) ? tell(headers) : ''))
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<GetObjectAttributesResponse xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${told.join('')}</GetObjectAttributesResponse>`
  const kept = new Map([...headers].filter(([name]) => KEPT.includes(name)))
  return withDocument(
    {
      status: 200,
      headers: withHeaders(kept, [['content-type', 'application/xml']]),
      body: undefined,
    },
    Buffer.from(xml),
  )
}
