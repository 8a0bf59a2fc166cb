import { emptyAnswer, xmlAnswer } from '../../s3/answer.ts'
import { S3Error } from '../../s3/error.ts'
import type { S3Response } from '../../s3/response.ts'
import { elements, elementText, readDocument, requiredText } from '../body/read-document.ts'
import type { BucketCall, ObjectCall } from '../call.ts'
import { document, group, text } from '../document.ts'
import { isRefusal } from '../error.ts'
import type { Bucket } from '../store/bucket.ts'
import { checkMatch } from './conditions.ts'

const MAX_OBJECTS = 1000

/** What is deleted, and on which condition. */
interface Deletion {
  readonly objectKey: string
  readonly match: string | undefined
}

/** Deleting what is not there succeeds. @throws {UpstreamError} when the condition does not hold */
const deleteOne = (bucket: Bucket, { objectKey, match }: Deletion): void => {
  checkMatch(match, objectKey, bucket.object(objectKey))
  bucket.removeObject(objectKey)
}

export const deleteObject = ({ bucket, objectKey, request }: ObjectCall): S3Response => {
  deleteOne(bucket, { objectKey, match: request.headers.get('if-match') })
  return emptyAnswer(204)
}

export const deleteObjects = async ({ bucket, request }: BucketCall): Promise<S3Response> => {
  const list = await readDocument(request, 'Delete')
  const deletions = elements(list, 'Object').map(parseDeletion)
  if (deletions.length === 0 || deletions.length > MAX_OBJECTS) throw new S3Error('MalformedXML')
  const isQuiet = elementText(list, 'Quiet') === 'true'
  const results = deletions.map(deletion => tryToDelete(bucket, deletion, isQuiet))
  return xmlAnswer(document('DeleteResult', ...results))
}

const parseDeletion = (xml: string): Deletion => ({
  objectKey: requiredText(xml, 'Key'),
  match: elementText(xml, 'ETag'),
})

const tryToDelete = (bucket: Bucket, deletion: Deletion, isQuiet: boolean): string => {
  const objectKey = text('Key', deletion.objectKey)
  try {
    deleteOne(bucket, deletion)
    return isQuiet ? '' : group('Deleted', objectKey)
  } catch (error) {
    if (!isRefusal(error)) throw error
    return group('Error', objectKey, text('Code', error.code), text('Message', error.message))
  }
}
