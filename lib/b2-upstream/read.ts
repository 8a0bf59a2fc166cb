import { encodeFileName } from '../b2/file-name.ts'
import { refuseRedirect } from '../b2/upstream.ts'
import { discard } from '../response/document.ts'
import { emptyAnswer } from '../s3/answer.ts'
import { failingCondition } from '../s3/conditions.ts'
import type { Headers } from '../s3/headers.ts'
import { type Query, queryValue } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { quoted } from '../s3/xml-write.ts'
import { etagOf } from './answers.ts'
import { invalidArgument, noSuchKey, Refused, refusedBy } from './error.ts'
import { metadataOf } from './metadata.ts'
import type { ObjectRequest } from './request.ts'
import { encryptionHeaders } from './words.ts'

// Several ranges at once S3 takes for none.
const ONE_RANGE = /^bytes=(?:\d+-\d*|-\d+)$/

// Whether an If-Range holds is known when the file has come, so the whole is sent: RFC 9110 §14.2 lets ranges be ignored.
const rangeHeaders = (headers: Headers): readonly (readonly [string, string])[] => {
  const range = headers.get('range')
  return range !== undefined && ONE_RANGE.test(range) && !headers.has('if-range')
    ? [['range', range]]
    : []
}

const targetOf = async (request: ObjectRequest): Promise<string> => {
  const { address, saying, places, signal } = request
  const versionId = queryValue(saying.query, 'versionId')
  if (versionId === undefined)
    return `/file/${encodeURIComponent(address.bucket)}/${encodeFileName(address.objectKey)}`
  await places.checkVersion(address, versionId, signal)
  return `/b2api/v2/b2_download_file_by_id?fileId=${encodeURIComponent(versionId)}`
}

const SSE = 'x-bz-server-side-encryption'

const encryptionOf = (headers: Headers): readonly (readonly [string, string])[] =>
  [...headers].flatMap(([name, value]) =>
    name.startsWith(SSE) ? [[name.replace('x-bz-', 'x-amz-'), value] as const] : [],
  )

const AS_THEY_ARE = ['content-length', 'content-range', 'content-type', 'accept-ranges']

const dateOf = (headers: Headers): string => {
  const timestamp = Number(headers.get('x-bz-upload-timestamp') ?? Number.NaN)
  return Number.isSafeInteger(timestamp) ? new Date(timestamp).toUTCString() : ''
}

/** What S3's answers override: `response-content-type` and its kin. */
const overrides = (query: Query): readonly (readonly [string, string])[] =>
  query.flatMap(({ name, value }) => {
    if (!name.startsWith('response-')) return []
    if (!/^[\t\x20-\x7e]*$/.test(value))
      throw invalidArgument(`The value of ${name} is no header's.`)
    return [[name.slice('response-'.length), value] as const]
  })

const headersOf = ({ headers }: S3Response, query: Query): Headers => {
  const fileId = headers.get('x-bz-file-id') ?? ''
  const date = dateOf(headers)
  return new Map([
    ...AS_THEY_ARE.flatMap(name => {
      const value = headers.get(name)
      return value === undefined ? [] : [[name, value] as const]
    }),
    ['etag', quoted(etagOf(fileId))],
    ...(date === '' ? [] : [['last-modified', date] as const]),
    ['x-amz-version-id', fileId],
    ...metadataOf(headers),
    ...encryptionOf(headers),
    ...overrides(query),
  ])
}

const NOT_MODIFIED = ['If-None-Match', 'If-Modified-Since']

/** B2 knows no conditions, so they are judged by what it brings, which is then not read on. */
const underConditions = (answer: S3Response, asked: Headers): S3Response => {
  const etag = answer.headers.get('etag')?.replaceAll('"', '') ?? ''
  const lastModified = answer.headers.get('last-modified') ?? ''
  const failing = failingCondition(asked, { etag, lastModified })
  if (failing === undefined) return answer
  discard(answer)
  if (!NOT_MODIFIED.includes(failing))
    throw new Refused(
      412,
      'PreconditionFailed',
      'At least one of the pre-conditions you specified did not hold',
    )
  const kept = ['etag', 'last-modified', 'x-amz-version-id', 'cache-control', 'expires']
  return emptyAnswer(
    304,
    [...answer.headers].filter(([name]) => kept.includes(name)),
  )
}

/** B2's refusal to read, which may be about the key: in S3's words, by which the next key is tried. */
const refuseRead = (answer: S3Response, hasKey: boolean): Refused => {
  const refused = refusedBy(answer)
  if (answer.status === 404) return noSuchKey()
  if (answer.status !== 400 && answer.status !== 403) return refused
  if (!hasKey)
    return new Refused(
      400,
      'InvalidRequest',
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    )
  return answer.status === 403
    ? new Refused(403, 'AccessDenied', refused.message)
    : new Refused(
        400,
        'InvalidRequest',
        'The encryption parameters are not applicable to this object.',
      )
}

/** GetObject and HeadObject by a download. https://www.backblaze.com/apidocs/b2-download-file-by-name */
export const readObject = async (request: ObjectRequest): Promise<S3Response> => {
  const { saying, native, signal } = request
  const key = encryptionHeaders(saying.headers)
  const asked = new Map([...key, ...rangeHeaders(saying.headers)])
  const target = await targetOf(request)
  const answer = refuseRedirect(await native.download(saying.method, target, asked, signal))
  if (answer.status >= 400) throw refuseRead(answer, key.length > 0)
  return underConditions({ ...answer, headers: headersOf(answer, saying.query) }, saying.headers)
}
