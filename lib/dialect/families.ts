/** The families of header names that SSE-C exists in. `amz` is S3's own vocabulary, which all else is read into. */
export type FamilyName = 'amz' | 'obs' | 'bz' | 'goog' | 'cos' | 'opc'

/** The names of a triple; the digest is that of the raw key, in base64. */
export interface TripleNames {
  readonly algorithm: string
  readonly key: string
  readonly digest: string
}

type Pair = readonly [amz: string, own: string]

/** A family, as data. Every name is lower case and whole. */
export interface Family {
  readonly name: FamilyName
  /** What its headers begin with. */
  readonly prefix: string
  readonly digest: 'md5' | 'sha256'
  readonly triples: {
    readonly object: TripleNames
    /** Undefined where copies carry their keys elsewhere. */
    readonly source: TripleNames | undefined
  }
  /** Whether a name that is not listed is the same behind the family's prefix. */
  readonly general: boolean
  /** What the names of an object's own metadata begin with. */
  readonly metadata: { readonly prefix: string; readonly coding: 'none' | 'percent' }
  /** Names that differ by more than the prefix, or all of them where the family is not general. */
  readonly names: readonly Pair[]
  /** The same, of requests about a bucket. */
  readonly bucketNames: readonly Pair[]
  /** Values that differ, by S3's name of the header. The first row for a value counts. */
  readonly values: Readonly<Record<string, readonly Pair[]>>
  /** The same, of requests about a bucket: they count first. */
  readonly bucketValues: Readonly<Record<string, readonly Pair[]>>
  /** What the family has and S3 has not: kept under its own name, for an upstream of the same family. */
  readonly own: readonly string[]
  /** What an upstream must not miss unsaid: a condition, a limit. Unless it is among `own`, no upstream is told it. */
  readonly demands: readonly string[]
  /** S3's names that it has no counterpart of and that may not be left out unsaid: such a request is refused. */
  readonly lacks: readonly string[]
  /** Sub-resources whose documents it has otherwise, and that nothing here translates: they are refused. */
  readonly otherDocuments: readonly string[]
  /** Where a copy names the version of its source; `value` is behind the source itself, as in S3. */
  readonly sourceVersion: 'value' | 'header'
  /** The header and value that stand for `If-None-Match: *`. */
  readonly createOnly: readonly [name: string, value: string] | undefined
  /** The header that has the body's hashes, as `crc32c=…,md5=…`. */
  readonly hashes: string | undefined
  /** The KMS key's name alone says that KMS encrypts. */
  readonly impliesKms: boolean
  /** Query parameters that differ. */
  readonly query: readonly Pair[]
  readonly source: string
}

const triple = (prefix: string, digest: string): TripleNames => ({
  algorithm: `${prefix}algorithm`,
  key: `${prefix}key`,
  digest: `${prefix}key-${digest}`,
})

const ENCRYPTION = 'x-amz-server-side-encryption'
const KMS_KEY_ID = `${ENCRYPTION}-aws-kms-key-id`
const STORAGE_CLASS = 'x-amz-storage-class'

// A condition or a demand of the client's: it must not go missing.
const OWNERS = ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner']

const AMZ: Family = {
  name: 'amz',
  prefix: 'x-amz-',
  digest: 'md5',
  triples: {
    object: triple('x-amz-server-side-encryption-customer-', 'md5'),
    source: triple('x-amz-copy-source-server-side-encryption-customer-', 'md5'),
  },
  general: true,
  metadata: { prefix: 'x-amz-meta-', coding: 'none' },
  names: [],
  bucketNames: [],
  values: {},
  bucketValues: {},
  own: [],
  lacks: [],
  demands: [],
  otherDocuments: [],
  sourceVersion: 'value',
  createOnly: undefined,
  hashes: undefined,
  impliesKms: false,
  query: [],
  source:
    'https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html',
}

const OBS: Family = {
  name: 'obs',
  prefix: 'x-obs-',
  digest: 'md5',
  triples: {
    object: triple('x-obs-server-side-encryption-customer-', 'md5'),
    source: triple('x-obs-copy-source-server-side-encryption-customer-', 'md5'),
  },
  general: true,
  metadata: { prefix: 'x-obs-meta-', coding: 'none' },
  names: [
    [KMS_KEY_ID, 'x-obs-server-side-encryption-kms-key-id'],
    ['x-amz-bucket-region', 'x-obs-bucket-location'],
  ],
  bucketNames: [['x-default-storage-class', 'x-obs-storage-class']],
  values: {
    [ENCRYPTION]: [['aws:kms', 'kms']],
    [STORAGE_CLASS]: [
      ['STANDARD_IA', 'WARM'],
      ['GLACIER', 'COLD'],
    ],
    'x-default-storage-class': [
      ['STANDARD_IA', 'WARM'],
      ['GLACIER', 'COLD'],
    ],
    'x-amz-acl': [
      ['public-read', 'public-read'],
      ['public-read', 'public-read-delivered'],
      ['public-read-write', 'public-read-write'],
      ['public-read-write', 'public-read-write-delivered'],
    ],
  },
  bucketValues: {
    [ENCRYPTION]: [
      ['aws:kms', 'kms'],
      ['AES256', 'obs'],
    ],
  },
  own: [
    'x-obs-api',
    'x-obs-version',
    'x-obs-az-redundancy',
    'x-obs-bucket-type',
    'x-obs-epid',
    'x-obs-expires',
    'x-obs-fs-file-interface',
    'x-obs-grant-full-control-delivered',
    'x-obs-grant-read-delivered',
    'x-obs-next-append-position',
    'x-obs-object-type',
    'x-obs-server-side-data-encryption',
    'x-obs-sse-kms-key-project-id',
  ],
  lacks: [...OWNERS, 'x-amz-mfa', 'x-amz-bypass-governance-retention', `${ENCRYPTION}-context`],
  demands: [],
  otherDocuments: [],
  sourceVersion: 'value',
  createOnly: undefined,
  hashes: undefined,
  impliesKms: false,
  query: [],
  source: 'https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0106.html',
}

const BZ: Family = {
  name: 'bz',
  prefix: 'x-bz-',
  digest: 'md5',
  // Copies are JSON, and carry their keys there.
  triples: { object: triple('x-bz-server-side-encryption-customer-', 'md5'), source: undefined },
  general: false,
  metadata: { prefix: 'x-bz-info-', coding: 'percent' },
  names: [[ENCRYPTION, 'x-bz-server-side-encryption']],
  bucketNames: [],
  values: {},
  bucketValues: {},
  own: [
    'x-bz-content-sha1',
    'x-bz-file-id',
    'x-bz-file-name',
    'x-bz-part-number',
    'x-bz-upload-timestamp',
  ],
  lacks: [],
  demands: [],
  otherDocuments: [],
  sourceVersion: 'value',
  createOnly: undefined,
  hashes: undefined,
  impliesKms: false,
  query: [],
  source: 'https://www.backblaze.com/apidocs/b2-upload-file',
}

// By what they cost to keep and to read: https://cloud.google.com/storage/docs/storage-classes
const GOOG_STORAGE_CLASSES: readonly Pair[] = [
  ['STANDARD_IA', 'NEARLINE'],
  ['GLACIER_IR', 'COLDLINE'],
  ['DEEP_ARCHIVE', 'ARCHIVE'],
]

const GOOG_DEMANDS = [
  'x-goog-allowed-resources',
  'x-goog-content-length-range',
  'x-goog-copy-source-if-generation-match',
  'x-goog-copy-source-if-metageneration-match',
  'x-goog-if-generation-match',
  'x-goog-if-metageneration-match',
]

const GOOG: Family = {
  name: 'goog',
  prefix: 'x-goog-',
  digest: 'sha256',
  triples: {
    object: triple('x-goog-encryption-', 'sha256'),
    source: triple('x-goog-copy-source-encryption-', 'sha256'),
  },
  general: true,
  metadata: { prefix: 'x-goog-meta-', coding: 'none' },
  names: [
    [KMS_KEY_ID, 'x-goog-encryption-kms-key-name'],
    ['x-amz-version-id', 'x-goog-generation'],
    ['x-amz-copy-source-version-id', 'x-goog-copy-source-generation'],
  ],
  bucketNames: [],
  values: { [STORAGE_CLASS]: GOOG_STORAGE_CLASSES },
  bucketValues: {},
  own: [
    ...GOOG_DEMANDS,
    'x-goog-api-version',
    'x-goog-custom-time',
    'x-goog-hash',
    'x-goog-metageneration',
    'x-goog-project-id',
    'x-goog-stored-content-encoding',
    'x-goog-stored-content-length',
    'x-goog-user-project',
  ],
  // A resumable upload goes on at an address of Google's own, past the proxy.
  demands: [...GOOG_DEMANDS, 'x-goog-resumable'],
  otherDocuments: ['acl', 'cors', 'encryption', 'lifecycle', 'logging', 'versions', 'website'],
  sourceVersion: 'header',
  createOnly: ['x-goog-if-generation-match', '0'],
  hashes: 'x-goog-hash',
  lacks: [...OWNERS, ENCRYPTION, `${ENCRYPTION}-context`, 'x-amz-mfa', 'x-amz-tagging'],
  impliesKms: true,
  query: [['versionId', 'generation']],
  source: 'https://cloud.google.com/storage/docs/xml-api/reference-headers',
}

const COS: Family = {
  name: 'cos',
  prefix: 'x-cos-',
  digest: 'md5',
  triples: {
    object: triple('x-cos-server-side-encryption-customer-', 'md5'),
    source: triple('x-cos-copy-source-server-side-encryption-customer-', 'md5'),
  },
  general: true,
  metadata: { prefix: 'x-cos-meta-', coding: 'none' },
  names: [[KMS_KEY_ID, 'x-cos-server-side-encryption-cos-kms-key-id']],
  bucketNames: [],
  values: {
    [ENCRYPTION]: [['aws:kms', 'cos/kms']],
    [STORAGE_CLASS]: [['GLACIER', 'ARCHIVE']],
  },
  bucketValues: {},
  own: ['x-cos-hash-crc64ecma'],
  lacks: [...OWNERS, 'x-amz-mfa', 'x-amz-bypass-governance-retention'],
  demands: [],
  otherDocuments: [],
  sourceVersion: 'value',
  createOnly: undefined,
  hashes: undefined,
  impliesKms: false,
  query: [],
  source: 'https://www.tencentcloud.com/document/product/436/7728',
}

const OPC: Family = {
  name: 'opc',
  prefix: 'opc-',
  digest: 'sha256',
  triples: {
    object: triple('opc-sse-customer-', 'sha256'),
    source: triple('opc-source-sse-customer-', 'sha256'),
  },
  general: false,
  metadata: { prefix: 'opc-meta-', coding: 'none' },
  names: [
    [KMS_KEY_ID, 'opc-sse-kms-key-id'],
    ['x-amz-request-id', 'opc-request-id'],
  ],
  bucketNames: [],
  values: {},
  bucketValues: {},
  own: ['opc-client-request-id', 'opc-content-md5', 'opc-multipart-md5'],
  lacks: [ENCRYPTION],
  demands: [],
  otherDocuments: [],
  sourceVersion: 'value',
  createOnly: undefined,
  hashes: undefined,
  impliesKms: true,
  query: [],
  source: 'https://docs.oracle.com/en-us/iaas/Content/Object/Tasks/usingyourencryptionkeys.htm',
}

/** Every family, by name. */
export const FAMILIES: Readonly<Record<FamilyName, Family>> = {
  amz: AMZ,
  obs: OBS,
  bz: BZ,
  goog: GOOG,
  cos: COS,
  opc: OPC,
}

const FOREIGN = /^(?:x-(?:obs|bz|goog|cos)|opc)-/

/** Whether a header is in the words of another family than S3's own. */
export const isForeignHeader = (name: string): boolean => FOREIGN.test(name)
