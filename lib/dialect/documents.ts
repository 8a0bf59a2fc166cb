import type { Query } from '../s3/query.ts'
import { mapElementText } from '../s3/xml.ts'
import { FAMILIES, type Family, type FamilyName } from './families.ts'

/** As much of a request as tells what its documents are. */
export interface DocumentOf {
  readonly level: 'service' | 'bucket' | 'object'
  readonly query: Query
}

type Change = (xml: string) => string

const swap =
  (name: string, pairs: readonly (readonly [from: string, to: string])[]): Change =>
  xml =>
    mapElementText(xml, name, text => pairs.find(([from]) => from === text)?.[1] ?? text)

const rename =
  (from: string, to: string): Change =>
  xml =>
    xml.replace(new RegExp(`<(/?)${from}(?=[\\s/>])`, 'g'), (_, slash: string) => `<${slash}${to}`)

const without =
  (name: string): Change =>
  xml =>
    xml.replace(new RegExp(`<${name}(?:\\s[^>]*)?>[\\s\\S]*?</${name}>`, 'g'), '')

const EVERYONE = 'http://acs.amazonaws.com/groups/global/AllUsers'
const LOG_DELIVERY = 'http://acs.amazonaws.com/groups/s3/LogDelivery'

const XSI = /\s+xmlns:xsi="[^"]*"|\s+xsi:type="[^"]*"/g

const toCanned: Change = xml =>
  xml
    .replace(XSI, '')
    .replaceAll(`<URI>${EVERYONE}</URI>`, '<Canned>Everyone</Canned>')
    .replaceAll(`<URI>${LOG_DELIVERY}</URI>`, '<Canned>Logdelivery</Canned>')

const GROUP = '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">'
const USER =
  '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">'

const fromCanned: Change = xml =>
  xml
    .replace(/<Grantee>(?=\s*<Canned>)/g, GROUP)
    .replace(/<Grantee>(?=\s*<ID>)/g, USER)
    .replaceAll('<Canned>Everyone</Canned>', `<URI>${EVERYONE}</URI>`)
    .replaceAll('<Canned>Logdelivery</Canned>', `<URI>${LOG_DELIVERY}</URI>`)

const STORAGE_CLASSES = FAMILIES.obs.values['x-amz-storage-class'] ?? []
const METHODS = [
  ['aws:kms', 'kms'],
  ['AES256', 'obs'],
] as const

const turned = (pairs: readonly (readonly [string, string])[]): [string, string][] =>
  pairs.map(([a, b]) => [b, a])

interface Row {
  /** The sub-resource; `''` for a document about a bucket without any. */
  readonly of: string
  readonly write: readonly Change[]
  readonly read: readonly Change[]
}

/** Documents of OBS that differ from S3's: esdk-obs-nodejs 3.26.8, lib/obsModel.js beside lib/v2Model.js. */
const OBS_DOCUMENTS: readonly Row[] = [
  {
    of: '',
    write: [rename('LocationConstraint', 'Location')],
    read: [],
  },
  {
    of: 'location',
    write: [rename('LocationConstraint', 'Location')],
    read: [rename('Location', 'LocationConstraint')],
  },
  {
    of: 'encryption',
    write: [
      swap('SSEAlgorithm', METHODS),
      without('BucketKeyEnabled'),
      without('BlockedEncryptionTypes'),
    ],
    read: [swap('SSEAlgorithm', turned(METHODS))],
  },
  {
    of: 'acl',
    write: [toCanned],
    read: [fromCanned, without('Delivered')],
  },
  {
    of: 'lifecycle',
    write: [swap('StorageClass', STORAGE_CLASSES)],
    read: [swap('StorageClass', turned(STORAGE_CLASSES))],
  },
  {
    of: 'notification',
    write: [xml => mapElementText(xml, 'Event', text => text.replace(/^s3:/, ''))],
    read: [xml => mapElementText(xml, 'Event', text => `s3:${text}`)],
  },
]

const rowOf = (family: FamilyName, { level, query }: DocumentOf): Row | undefined => {
  if (family !== 'obs' || level === 'service') return undefined
  const named = OBS_DOCUMENTS.find(({ of }) => query.some(({ name }) => name === of))
  return named ?? (level === 'bucket' && query.length === 0 ? OBS_DOCUMENTS[0] : undefined)
}

const changeOf = (changes: readonly Change[] | undefined): Change | undefined =>
  changes === undefined || changes.length === 0
    ? undefined
    : xml => changes.reduce((rest, change) => change(rest), xml)

/** How S3's document is written in the family's words; undefined where both have the same. */
export const documentWriter = (family: FamilyName, of: DocumentOf): Change | undefined =>
  changeOf(rowOf(family, of)?.write)

/** How the family's document is read into S3's words; undefined where both have the same. */
export const documentReader = (family: FamilyName, of: DocumentOf): Change | undefined =>
  changeOf(rowOf(family, of)?.read)

/** How a client's document, in the family's words, is read into S3's; undefined where both have the same. */
export const sentDocumentReader = (family: FamilyName, of: DocumentOf): Change | undefined => {
  const isNewBucket = family === 'obs' && of.level === 'bucket' && of.query.length === 0
  return isNewBucket ? rename('Location', 'LocationConstraint') : documentReader(family, of)
}

const storageClassesOf = (family: FamilyName): Family['names'] =>
  FAMILIES[family].values['x-amz-storage-class'] ?? []

type Rename = (text: string) => string

/** What listings say of the storage class in the family's words, in S3's; undefined where both have the same. */
export const listedStorageClass = (family: FamilyName): Rename | undefined => {
  const pairs = storageClassesOf(family)
  return pairs.length === 0 ? undefined : text => pairs.find(([, own]) => own === text)?.[0] ?? text
}

/** What listings say of the storage class in S3's words, in the family's; undefined where both have the same. */
export const shownStorageClass = (family: FamilyName): Rename | undefined => {
  const pairs = storageClassesOf(family)
  return pairs.length === 0 ? undefined : text => pairs.find(([amz]) => amz === text)?.[1] ?? text
}
