import { documentReader, listedStorageClass } from '../dialect/documents.ts'
import type { Family } from '../dialect/families.ts'
import type { Saying } from '../dialect/to-upstream.ts'
import { readResponse } from '../dialect/translate.ts'
import type { Awaitable } from '../s3/awaitable.ts'
import type { BodyFilter } from '../s3/body.ts'
import { S3Error } from '../s3/error.ts'
import { hasParameter } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { readDocument, throughFilter, withDocument } from './document.ts'
import { rewriteElements, withInnerXml } from './elements.ts'

/** Configurations and ACLs are a few kilobytes. */
const DOCUMENT_BYTES = 1024 * 1024

/** An answer in its provider's words, in S3's: headers, documents and the storage classes of listings. */
export const inS3Words = (
  answer: S3Response,
  saying: Saying,
  family: Family,
): Awaitable<S3Response> => {
  const { address, query, method } = saying
  const headers = readResponse(family, answer.headers, address.level, saying.headers)
  const read = headers === answer.headers ? answer : { ...answer, headers }
  if (family.name === 'amz' || answer.status !== 200 || method !== 'GET') return read
  const reader = documentReader(family.name, { level: address.level, query })
  if (reader !== undefined) return throughReader(read, reader)
  return throughFilter(read, listingFilter(saying, family))
}

const throughReader = async (
  answer: S3Response,
  reader: (xml: string) => string,
): Promise<S3Response> => {
  const { body } = answer
  if (body === undefined) return answer
  const bytes = Buffer.isBuffer(body) ? body : await readDocument(body, DOCUMENT_BYTES)
  if (bytes === undefined)
    throw new S3Error('InternalError', 'The storage provider sent a document of over 1 MiB.')
  return withDocument(answer, Buffer.from(reader(bytes.toString('utf8'))))
}

/** Whether an answer lists objects, versions, uploads or parts: each with a storage class. */
export const isListing = ({ address, query }: Pick<Saying, 'address' | 'query'>): boolean =>
  address.level === 'bucket' || (address.level === 'object' && hasParameter(query, 'uploadId'))

const listingFilter = (saying: Saying, { name }: Family): BodyFilter | undefined => {
  const change = listedStorageClass(name)
  return change === undefined || !isListing(saying) ? undefined : storageClassFilter(change)
}

const STORAGE_CLASS = new Set(['StorageClass'])

/** Renames the storage classes of a listing as it passes. */
export const storageClassFilter = (change: (text: string) => string): BodyFilter =>
  rewriteElements(STORAGE_CLASS, element => withInnerXml(element, change))
