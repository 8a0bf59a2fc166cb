import { xmlAnswer } from '../../s3/answer.ts'
import type { Headers } from '../../s3/headers.ts'
import type { S3Response } from '../../s3/response.ts'
import type { ObjectCall } from '../call.ts'
import { checksumElements, document, group, text } from '../document.ts'
import { invalidArgument } from '../error.ts'
import { demandKey, givenKey } from '../ssec.ts'
import type { ObjectRecord } from '../store/records.ts'
import { findObject } from './find-object.ts'

const HEADER = 'x-amz-object-attributes'
const MOST = 1000

/** What can be asked for, in the order of the answer. The ETag has no quotes here. */
const ATTRIBUTES: Readonly<Record<string, (object: ObjectRecord) => string>> = {
  ETag: object => text('ETag', object.etag),
  Checksum: ({ checksum }) =>
    checksum === undefined ? '' : group('Checksum', ...checksumElements(checksum)),
  ObjectParts: object => (object.multipart ? partsElement(object) : ''),
  StorageClass: object => text('StorageClass', object.properties.storageClass),
  ObjectSize: object => text('ObjectSize', object.size),
}

/** Parts are told one by one only where they have checksums. */
const partsElement = ({ parts, checksum }: ObjectRecord): string => {
  const told = checksum === undefined ? [] : parts.slice(0, MOST)
  return group(
    'ObjectParts',
    text('PartsCount', parts.length),
    text('PartNumberMarker', 0),
    text('NextPartNumberMarker', told.at(-1)?.number ?? 0),
    text('MaxParts', MOST),
    text('IsTruncated', checksum !== undefined && parts.length > MOST),
    ...told.map(part =>
      group(
        'Part',
        text('PartNumber', part.number),
        text('Size', part.segment.length),
        ...checksumElements(part.checksum).slice(0, 1),
      ),
    ),
  )
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */
export const getObjectAttributes = (call: ObjectCall): S3Response => {
  const { headers } = call.request
  const key = givenKey(headers)
  const wanted = wantedAttributes(headers)
  const object = findObject(call)
  demandKey(object.proof, key)
  const told = Object.entries(ATTRIBUTES).map(([name, tell]) =>
    wanted.has(name) ? tell(object) : '',
  )
  return xmlAnswer(document('GetObjectAttributesResponse', ...told), [
    ['last-modified', new Date(object.lastModified).toUTCString()],
  ])
}

const wantedAttributes = (headers: Headers): ReadonlySet<string> => {
  const value = headers.get(HEADER) ?? ''
  const names = value.split(',').map(name => name.trim())
  if (names.every(name => Object.hasOwn(ATTRIBUTES, name))) return new Set(names)
  throw invalidArgument('Invalid attribute name specified.', HEADER, value)
}
