import { emptyAnswer, xmlAnswer } from '../../s3/answer.ts'
import { S3Error } from '../../s3/error.ts'
import type { Headers } from '../../s3/headers.ts'
import { parseQuery } from '../../s3/query.ts'
import type { S3Response } from '../../s3/response.ts'
import { elements, readDocument, requiredText } from '../body/read-document.ts'
import type { ObjectCall } from '../call.ts'
import { document, group, text } from '../document.ts'
import { UpstreamError } from '../error.ts'
import type { Properties } from '../store/records.ts'
import { findObject } from './find-object.ts'

type Tags = Properties['tags']

const MAX_TAGS = 10

/** The tags of `x-amz-tagging`: a form's `name=value&…`. @throws {Refusal} */
export const parseTagHeader = (headers: Headers): Tags => {
  const form = (headers.get('x-amz-tagging') ?? '').replaceAll('+', '%20')
  return checkTags(parseQuery(form).map(({ name, value }) => [name, value]))
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
const checkTags = (tags: Tags): Tags => {
  if (tags.length > MAX_TAGS) {
    throw new S3Error('BadRequest', 'Object tags cannot be greater than 10')
  }
  if (new Set(tags.map(([name]) => name)).size < tags.length) {
    throw new UpstreamError('InvalidTag', {}, 'Cannot provide multiple Tags with the same key')
  }
  if (tags.some(([name, value]) => name === '' || name.length > 128 || value.length > 256)) {
    throw new UpstreamError('InvalidTag')
  }
  return tags
}

export const getObjectTagging = (call: ObjectCall): S3Response => {
  const { tags } = findObject(call).properties
  const elementsOfTags = tags.map(([name, value]) =>
    group('Tag', text('Key', name), text('Value', value)),
  )
  return xmlAnswer(document('Tagging', group('TagSet', ...elementsOfTags)))
}

export const putObjectTagging = async (call: ObjectCall): Promise<S3Response> => {
  findObject(call)
  const tagging = await readDocument(call.request, 'Tagging')
  setTags(call, checkTags(elements(tagging, 'Tag').map(parseTag)))
  return emptyAnswer(200)
}

const parseTag = (xml: string): Tags[number] => [
  requiredText(xml, 'Key'),
  requiredText(xml, 'Value'),
]

export const deleteObjectTagging = (call: ObjectCall): S3Response => {
  setTags(call, [])
  return emptyAnswer(204)
}

const setTags = (call: ObjectCall, tags: Tags): void => {
  const object = findObject(call)
  call.bucket.putObject({ ...object, properties: { ...object.properties, tags } })
}
