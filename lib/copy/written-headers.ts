import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import type { EnforcedRequest } from '../ssec/enforce.ts'

type Directive = 'COPY' | 'REPLACE'

/**
 * Whether a copy keeps what its source has, or brings its own.
 *
 * @throws {S3Error} `InvalidArgument`
 */
const directive = ({ headers }: EnforcedRequest, what: 'metadata' | 'tagging'): Directive => {
  const name = `x-amz-${what}-directive`
  const text = headers.get(name) ?? 'COPY'
  if (text === 'COPY' || text === 'REPLACE') return text
  throw new S3Error('InvalidArgument', `Unknown ${what} directive.`, {
    details: { ArgumentName: name, ArgumentValue: text },
  })
}

/** Which of a copy's properties come from the request, the others coming from the source. */
export interface Directives {
  readonly metadata: Directive
  readonly tagging: Directive
}

/** @throws {S3Error} `InvalidArgument` for one that S3 does not know */
export const directivesOf = (copy: EnforcedRequest): Directives => ({
  metadata: directive(copy, 'metadata'),
  tagging: directive(copy, 'tagging'),
})

const CONTENT = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
]

const isMetadata = (name: string): boolean =>
  name.startsWith('x-amz-meta-') || CONTENT.includes(name)

/** What is always the request's: a copy gets none of these from its source. */
const OF_REQUEST =
  /^x-amz-(?:acl|grant-.+|storage-class|website-redirect-location|object-lock-.+|server-side-encryption.*|request-payer|expected-bucket-owner)$/

const pick = (headers: Headers, wanted: (name: string) => boolean): Headers =>
  new Map([...headers].filter(([name]) => wanted(name)))

/** The headers that the requests of one requester share. */
export const requesterHeaders = ({ headers }: EnforcedRequest): Headers =>
  pick(headers, name => name === 'x-amz-request-payer' || name === 'x-amz-expected-bucket-owner')

/** What the copy demands of the object that it overwrites. */
export const destinationConditions = ({ headers }: EnforcedRequest): Headers =>
  pick(headers, name => name === 'if-match' || name === 'if-none-match')

/**
 * The headers that a copy's object is written with, but for conditions, checksums and the key.
 *
 * @param source headers of a read of the source
 * @param sourceTags as `x-amz-tagging` carries them
 */
export const writtenHeaders = (
  { headers }: EnforcedRequest,
  { metadata, tagging }: Directives,
  source: Headers,
  sourceTags: string,
): Headers => {
  const tags = tagging === 'COPY' ? sourceTags : (headers.get('x-amz-tagging') ?? '')
  return withHeaders(
    pick(headers, name => OF_REQUEST.test(name)),
    [
      ...pick(metadata === 'COPY' ? source : headers, isMetadata),
      ...(tags === '' ? [] : [['x-amz-tagging', tags] as const]),
    ],
  )
}
