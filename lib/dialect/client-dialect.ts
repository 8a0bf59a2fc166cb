import type { Address } from '../s3/address.ts'
import type { ClientDialect } from '../s3/dialect.ts'
import { S3Error } from '../s3/error.ts'
import { type Headers, withHeaders } from '../s3/headers.ts'
import type { Query, QueryParameter } from '../s3/query.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText } from '../s3/xml.ts'
import { FAMILIES, type Family, isForeignHeader } from './families.ts'
import { refuseOtherDocuments } from './idioms.ts'
import { readQuery, readRequest, writeResponse } from './translate.ts'

/** As much of a request as a dialect changes. */
export interface Spoken {
  readonly headers: Headers
  readonly query: Query
}

/** S3's names that belong to a signature, whatever the request speaks otherwise. */
const OF_SIGNATURE =
  /^x-amz-(?:algorithm|content-sha256|credential|date|expires|signature|signedheaders)$/

/** S3's names of its signature's framing of a body, which no other family has. */
const OF_FRAMING = /^x-amz-(?:decoded-content-length|trailer)$/

const refuseMixture = ({ headers, query }: Spoken, { prefix }: Family): void => {
  const isForeign = (name: string): boolean =>
    name.startsWith('x-amz-')
      ? !OF_SIGNATURE.test(name) && !OF_FRAMING.test(name)
      : isForeignHeader(name) && !name.startsWith(prefix)
  const names = [...headers.keys(), ...query.map(({ name }) => name.toLowerCase())]
  const foreign = names.find(isForeign)
  if (foreign === undefined) return
  throw new S3Error(
    'InvalidRequest',
    `This request mixes ${prefix} names with '${foreign}'. Use the names of one of the two.`,
  )
}

/** Headers that a presigner hoisted into the query, in S3's words like those that it did not. */
const readHoisted = (family: Family, query: Query, level: Address['level']): Query => {
  const isHoisted = ({ name }: QueryParameter): boolean =>
    name.toLowerCase().startsWith(family.prefix)
  const said = query.filter(isHoisted)
  const hoisted = new Map(said.map(({ name, value }) => [name.toLowerCase(), value]))
  // One said twice has two meanings.
  if (hoisted.size < said.length) throw new S3Error('SignatureDoesNotMatch')
  const read = [...readRequest(family, hoisted, level)].map(([name, value]) => ({ name, value }))
  return [...query.filter(parameter => !isHoisted(parameter)), ...read]
}

/**
 * A request, or the fields of a form, in S3's vocabulary.
 *
 * @throws {S3Error} `InvalidRequest` when it speaks two dialects at once, `SignatureDoesNotMatch` when it says one thing
 *   twice, `NotImplemented` for a document that is not translated
 */
export const fromClientDialect = (
  dialect: ClientDialect,
  level: Address['level'],
  spoken: Spoken,
): Spoken => {
  if (dialect === 'amz') return spoken
  const family = FAMILIES[dialect]
  refuseMixture(spoken, family)
  const framing = [...spoken.headers].filter(([name]) => OF_FRAMING.test(name))
  const headers = withHeaders(readRequest(family, spoken.headers, level), framing)
  const query = readQuery(family, readHoisted(family, spoken.query, level))
  refuseOtherDocuments(family, query, headers)
  return { headers, query }
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
