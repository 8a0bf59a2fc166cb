import type { Address } from '../s3/address.ts'
import type { ClientDialect } from '../s3/dialect.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import type { Query } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText } from '../s3/xml.ts'
import { FAMILIES, type Family } from './families.ts'
import { readRequest, writeResponse } from './translate.ts'

/** As much of a request as a dialect changes. */
export interface Spoken {
  readonly headers: Headers
  readonly query: Query
}

/** S3's names that belong to a signature or to its framing, whatever the request speaks otherwise. */
const OF_SIGNATURE =
  /^x-amz-(?:algorithm|content-sha256|credential|date|decoded-content-length|expires|signature|signedheaders|trailer)$/i

const isOfAmz = (name: string): boolean => /^x-amz-/i.test(name) && !OF_SIGNATURE.test(name)

const refuseMixture = ({ headers, query }: Spoken, { prefix }: Family): void => {
  const foreign = [...headers.keys(), ...query.map(({ name }) => name)].find(isOfAmz)
  if (foreign === undefined) return
  throw new S3Error(
    'InvalidRequest',
    `This request mixes ${prefix} names with '${foreign}'. Use the names of one of the two.`,
  )
}

/** Headers that a presigner hoisted into the query, in S3's words like those that it did not. */
const readHoisted = (family: Family, query: Query, level: Address['level']): Query =>
  query.flatMap(parameter => {
    const name = parameter.name.toLowerCase()
    if (!name.startsWith(family.prefix)) return [parameter]
    const read = readRequest(family, new Map([[name, parameter.value]]), level)
    return [...read].map(([amz, value]) => ({ name: amz, value }))
  })

/**
 * A request, or the fields of a form, in S3's vocabulary.
 *
 * @throws {S3Error} `InvalidRequest` when it speaks two dialects at once
 */
export const fromClientDialect = (
  dialect: ClientDialect,
  level: Address['level'],
  spoken: Spoken,
): Spoken => {
  if (dialect === 'amz') return spoken
  const family = FAMILIES[dialect]
  refuseMixture(spoken, family)
  return {
    headers: readRequest(family, spoken.headers, level),
    query: readHoisted(family, spoken.query, level),
  }
}

/**
 * An answer in the dialect that the client asked in.
 *
 * @param sent the request's headers in S3's vocabulary
 */
export const toClientDialect = (
  dialect: ClientDialect,
  level: Address['level'],
  sent: Headers,
  answer: S3Response,
): S3Response => {
  if (dialect === 'amz') return answer
  const headers = writeResponse(FAMILIES[dialect], answer.headers, level, sent)
  return { ...answer, headers: withHeaders(headers, errorHeaders(dialect, answer)) }
}

/** OBS says an error in headers, too, for a client that asked with HEAD. */
const errorHeaders = (
  dialect: ClientDialect,
  { status, body }: S3Response,
): readonly (readonly [string, string])[] => {
  if (dialect !== 'obs' || status < 400 || !Buffer.isBuffer(body)) return []
  const document = body.toString('utf8')
  return [
    ['x-obs-error-code', asHeader(elementText(document, 'Code'))],
    ['x-obs-error-message', asHeader(elementText(document, 'Message'))],
  ]
}

const asHeader = (text = ''): string =>
  Buffer.from(text.replace(/\p{Cc}+/gu, ' ')).toString('latin1')
