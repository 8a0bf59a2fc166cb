import { hash } from 'node:crypto'
import { S3Error } from '../s3/error.ts'
import { type Headers, withoutHeaders } from '../s3/headers.ts'
import type { Query } from '../s3/query.ts'
import { FAMILIES, type Family, isForeignHeader, type TripleNames } from './families.ts'
import { readIdioms, writeIdioms } from './idioms.ts'

/** What a request is about: some names differ for buckets. */
export type Level = 'service' | 'bucket' | 'object'

const PLACES = ['object', 'source'] as const
const ENCRYPTION = 'x-amz-server-side-encryption'
const KMS_KEY_ID = `${ENCRYPTION}-aws-kms-key-id`

// Verified by the proxy itself, or a saving for AWS alone: nobody misses them.
const isLeftOut = (name: string): boolean =>
  name.startsWith('x-amz-checksum-') ||
  name.startsWith('x-amz-sdk-') ||
  name === 'x-amz-optional-object-attributes' ||
  name === `${ENCRYPTION}-bucket-key-enabled`

/**
 * A request in S3's vocabulary, in the words of another family. Headers of other families are left out, but for what
 * only this one has.
 *
 * @throws {S3Error} `NotImplemented` for a header that the family has no word for, and that changes what is asked
 */
export const writeRequest = (family: Family, headers: Headers, level: Level): Headers => {
  for (const name of headers.keys()) refuseUnmet(family, name)
  if (family.name === 'amz') return withoutForeign(headers)
  const said = writeIdioms(family, withoutImplied(family, headers))
  for (const name of said.keys()) refuseUnsayable(family, name, level)
  return write(family, said, level, said)
}

/** An answer in S3's vocabulary, in the words of another family; `sent` is the request in S3's vocabulary. */
export const writeResponse = (
  family: Family,
  headers: Headers,
  level: Level,
  sent: Headers,
): Headers =>
  family.name === 'amz' ? withoutForeign(headers) : write(family, headers, level, sent)

/** A request in the words of a family, in S3's vocabulary. What only the family has keeps its name. */
export const readRequest = (family: Family, headers: Headers, level: Level): Headers =>
  family.name === 'amz'
    ? withoutForeign(headers)
    : readIdioms(family, read(family, headers, level, undefined))

/** An answer in the words of a family, in S3's vocabulary; `sent` is the request in S3's vocabulary. */
export const readResponse = (
  family: Family,
  headers: Headers,
  level: Level,
  sent: Headers,
): Headers => (family.name === 'amz' ? withoutForeign(headers) : read(family, headers, level, sent))

/** Query parameters in the words of a family. */
export const writeQuery = ({ query: pairs }: Family, query: Query): Query =>
  pairs.length === 0
    ? query
    : query.map(({ name, value }) => ({
        name: pairs.find(([amz]) => amz === name)?.[1] ?? name,
        value,
      }))

/** The family's query parameters in S3's words. */
export const readQuery = ({ query: pairs }: Family, query: Query): Query =>
  pairs.length === 0
    ? query
    : query.map(({ name, value }) => ({
        name: pairs.find(([, own]) => own === name)?.[0] ?? name,
        value,
      }))

const withoutForeign = (headers: Headers): Headers => withoutHeaders(headers, isForeignHeader)

const withoutImplied = (family: Family, headers: Headers): Headers =>
  family.impliesKms && headers.get(ENCRYPTION) === 'aws:kms' && headers.has(KMS_KEY_ID)
    ? new Map([...headers].filter(([name]) => name !== ENCRYPTION))
    : headers

const DEMANDS: ReadonlySet<string> = new Set(
  Object.values(FAMILIES).flatMap(({ demands }) => demands),
)

const refuseUnmet = (family: Family, name: string): void => {
  if (!DEMANDS.has(name) || family.own.includes(name)) return
  throw new S3Error(
    'NotImplemented',
    `The storage provider has no counterpart of the header ${name}, so the request is not sent.`,
  )
}

const refuseUnsayable = (family: Family, name: string, level: Level): void => {
  if (!name.startsWith('x-amz-') || isLeftOut(name)) return
  if (!family.lacks.includes(name) && nameIn(family, name, level) !== undefined) return
  throw new S3Error(
    'NotImplemented',
    `The storage provider has no counterpart of the header ${name}, so the request is not sent.`,
  )
}

const tripleRow = (family: Family, name: string): string | undefined => {
  for (const place of PLACES) {
    const found = rowOf(FAMILIES.amz.triples[place], family.triples[place], name)
    if (found !== undefined) return found
  }
  return undefined
}

const PARTS = ['algorithm', 'key', 'digest'] as const

const rowOf = (
  from: TripleNames | undefined,
  to: TripleNames | undefined,
  name: string,
): string | undefined => {
  const part = from && PARTS.find(each => from[each] === name)
  return part && to?.[part]
}

const isTriple = (family: Family, name: string): boolean =>
  PLACES.some(place => rowOf(family.triples[place], family.triples[place], name) !== undefined)

const pairsAt = (family: Family, level: Level): Family['names'] =>
  level === 'bucket' ? [...family.bucketNames, ...family.names] : family.names

/** The family's word for one of S3's names; undefined when it has none. */
const nameIn = (family: Family, name: string, level: Level): string | undefined => {
  if (isTriple(FAMILIES.amz, name)) return tripleRow(family, name)
  const pair = pairsAt(family, level).find(([amz]) => amz === name)
  if (pair !== undefined) return pair[1]
  if (name.startsWith('x-amz-meta-')) return `${family.metadata.prefix}${name.slice(11)}`
  if (!name.startsWith('x-amz-')) return name.startsWith('x-default-') ? undefined : name
  return family.general ? `${family.prefix}${name.slice(6)}` : undefined
}

const write = (family: Family, headers: Headers, level: Level, sent: Headers): Headers => {
  const written = new Map<string, string>()
  for (const [name, value] of headers) {
    const ownName = isForeignHeader(name) ? ownOnly(family, name) : nameIn(family, name, level)
    if (ownName === undefined || family.lacks.includes(name) || isLeftOut(name)) continue
    written.set(ownName, valueIn(family, name, value, level))
  }
  return withDigests(written, family.triples, FAMILIES.amz, family, headers, sent)
}

const ownOnly = (family: Family, name: string): string | undefined =>
  family.own.includes(name) ? name : undefined

const valuesAt = (family: Family, name: string, level: Level): Family['names'] | undefined =>
  (level === 'bucket' ? family.bucketValues[name] : undefined) ?? family.values[name]

const valueIn = (family: Family, name: string, value: string, level: Level): string => {
  if (name.startsWith('x-amz-meta-') && family.metadata.coding === 'percent') {
    return encodeURIComponent(Buffer.from(value, 'latin1').toString('utf8'))
  }
  return valuesAt(family, name, level)?.find(([amz]) => amz === value)?.[1] ?? value
}

/** S3's name for a word of the family; undefined when S3 has none. */
const nameOf = (family: Family, name: string, level: Level): string | undefined => {
  for (const place of PLACES) {
    const found = rowOf(family.triples[place], FAMILIES.amz.triples[place], name)
    if (found !== undefined) return found
  }
  const pair = pairsAt(family, level).find(([, own]) => own === name)
  if (pair !== undefined) return pair[0]
  const { prefix } = family.metadata
  if (name.startsWith(prefix)) return `x-amz-meta-${name.slice(prefix.length)}`
  if (family.own.includes(name) || family.demands.includes(name)) return name
  return family.general ? `x-amz-${name.slice(family.prefix.length)}` : undefined
}

/** S3's name for a header; undefined for one that belongs to neither. */
const s3Name = (family: Family, name: string, level: Level): string | undefined => {
  if (name.startsWith(family.prefix)) return nameOf(family, name, level)
  // S3's own words beside the family's would be a second say about the same thing.
  return isForeignHeader(name) || name.startsWith('x-amz-') ? undefined : name
}

const read = (
  family: Family,
  headers: Headers,
  level: Level,
  sent: Headers | undefined,
): Headers => {
  const found = new Map<string, string>()
  for (const [name, value] of headers) {
    const amz = s3Name(family, name, level)
    if (amz !== undefined) found.set(amz, s3Value(family, amz, value, level))
  }
  if (family.impliesKms && found.has(KMS_KEY_ID)) found.set(ENCRYPTION, 'aws:kms')
  const keys = sent ?? found
  return withDigests(found, FAMILIES.amz.triples, family, FAMILIES.amz, headers, keys)
}

const s3Value = (family: Family, amz: string, value: string, level: Level): string => {
  if (amz.startsWith('x-amz-meta-') && family.metadata.coding === 'percent') {
    return Buffer.from(decode(value), 'utf8').toString('latin1')
  }
  return valuesAt(family, amz, level)?.find(([, own]) => own === value)?.[0] ?? value
}

const decode = (value: string): string => {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

const digestOf = (kind: Family['digest'], key: string): string =>
  hash(kind, Buffer.from(key, 'base64'), 'base64')

/**
 * `translated` with the digest of the key as its family has it. It can only be told from the key, which an answer does
 * not hold: there the key that was sent counts, when the digest is its own. A digest of no known key stays as it is, so
 * that it fits nothing.
 */
const withDigests = (
  translated: Map<string, string>,
  to: Family['triples'],
  from: Family,
  family: Family,
  headers: Headers,
  sent: Headers,
): Headers => {
  if (from.digest === family.digest) return translated
  for (const place of PLACES) {
    const given = headers.get(from.triples[place]?.digest ?? '')
    const name = to[place]?.digest
    const key = sent.get(FAMILIES.amz.triples[place]?.key ?? '')
    if (given === undefined || name === undefined) continue
    const fits = key !== undefined && digestOf(from.digest, key) === given
    translated.set(name, fits ? digestOf(family.digest, key) : given)
  }
  return translated
}
