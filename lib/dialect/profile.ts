import type { EtagView } from '../s3/etag.ts'
import type { OperationName } from '../s3/operation.ts'
import type { FamilyName } from './families.ts'

/** A difference of a provider, and where it was seen. */
export interface Quirk {
  readonly what: string
  readonly source: string
}

/** What the proxy must know of a provider; one value per provider, so that adding one is adding a row. */
export interface Profile {
  readonly name: string
  readonly addressing: 'path' | 'virtual'
  /** The words that it is spoken to in, and how requests are signed. */
  readonly family: FamilyName
  readonly signature: Signature
  /** Whether a signature may cover the body's hash; `unsigned` where the provider takes no such thing. */
  readonly payload: 'hashed' | 'unsigned'
  /** Whether it takes `x-amz-checksum-*`; else the proxy, which has verified them, leaves them out. */
  readonly checksums: boolean
  /** Takes checksum trailers (`STREAMING-UNSIGNED-PAYLOAD-TRAILER`). */
  readonly trailers: TrailerAbility
  /** Takes the triple on these, where it is needed only when the upload declared a checksum algorithm. */
  readonly keyAlsoOn: ReadonlySet<OperationName>
  /** How the ETags of SSE-C objects are shown: marked where they look like the MD5 of the bytes and are not. */
  readonly etag: EtagView
  /** What the provider's own copies can do where a customer key takes part; others are always left to it. */
  readonly copy: CopyAbility
  /** Takes the key on these and answers without echo, so that something else must vouch for what they write. */
  readonly silentOn: ReadonlySet<OperationName>
  /**
   * What the echo of a part tells where the upload's creation was not echoed: `proof` where a part is echoed only when it
   * is stored encrypted, `hint` where that is not known, and the completed object is looked at.
   */
  readonly partEcho: 'proof' | 'hint'
  /** Whether it knows GetObjectAttributes; Ceph RGW 16 answers it with the object itself. */
  readonly attributes: 'own' | 'none'
  /** Whether buckets may block SSE-C, which is answered as if the client might not write. */
  readonly blocksSseC: boolean
  /** Which writes it makes only over an object that has the ETag of their If-Match. */
  readonly ifMatch: IfMatch
  /** Whether PutObject with `If-None-Match: *` writes only what is not there yet. */
  readonly createsOnce: boolean
  /** Whether those two conditions count in versioned buckets, too. */
  readonly conditionsOnVersions: boolean
  /** Whether a CopyObject onto itself with keys on both sides is known to be sound in versioned buckets; else it is streamed. */
  readonly copiesOntoItself: boolean
  /** UploadPartCopy decodes its copy source twice, so that an object key with a `%` in it names another object. */
  readonly decodesPartSourceTwice: boolean
  /** The answers to a read or copy that say: not with this key. */
  readonly refusals: readonly RefusalPattern[]
  readonly quirks: readonly Quirk[]
}

export interface IfMatch {
  /** Of PutObject, where it changes the encryption, and how the ETag is to be written there. */
  readonly put: 'quoted' | 'bare' | 'none'
  /** Of CompleteMultipartUpload; `opens`: it looks at what it replaces with the key that it brings, be that another's. */
  readonly complete: boolean | 'opens'
  /** Of CopyObject, for the object that is overwritten. */
  readonly copy: boolean
}

/** AWS's version 4, Google's spelling of it, or OBS's or COS's own with HMAC-SHA1. */
export type Signature = 'sigv4' | 'goog4' | 'obs' | 'cos'

/** Where unsigned trailers may go: AWS's own SDKs send them over TLS alone. */
export type TrailerAbility = 'none' | 'tls' | 'any'

/**
 * - `full`: copies between any two keys, or a key and none;
 * - `same-key-parts`: UploadPartCopy alone, which reads its source with the upload's key, or a plaintext one;
 * - `none`: nothing.
 */
export type CopyAbility = 'full' | 'same-key-parts' | 'none'

/** Why a provider refused a read or copy, as far as the key goes. */
export type Refusal = 'wrong-key' | 'plaintext' | 'key-needed'

export interface RefusalPattern {
  readonly refusal: Refusal
  readonly status: number
  /** Absent in the pattern, or in the answer (a HEAD has no body): any. */
  readonly code?: string
  readonly message?: RegExp
}

const WITH_CHECKSUMS: ReadonlySet<OperationName> = new Set(['ListParts', 'CompleteMultipartUpload'])

// Recorded against AWS: localstack tests/aws/services/s3/test_s3.snapshot.json, class TestS3SSECEncryption.
export const AWS_REFUSALS: readonly RefusalPattern[] = [
  { refusal: 'wrong-key', status: 403, code: 'AccessDenied' },
  { refusal: 'plaintext', status: 400, code: 'InvalidRequest', message: /not applicable/ },
  { refusal: 'key-needed', status: 400, code: 'InvalidRequest', message: /stored using a form/ },
  // Of an upload, when its parts are listed or it is completed: the key is not the one that it began with.
  { refusal: 'wrong-key', status: 400, code: 'InvalidRequest', message: /ones used originally/ },
]

// Measured on Ceph RGW 16.2.15 (Debian 12): it compares the stored key MD5, and ignores a key on a plaintext object.
export const CEPH_REFUSALS: readonly RefusalPattern[] = [
  {
    refusal: 'wrong-key',
    status: 400,
    code: 'InvalidArgument',
    message: /MD5 hash of the key did not match/,
  },
  {
    refusal: 'key-needed',
    status: 400,
    code: 'InvalidArgument',
    message: /valid encryption algorithm/,
  },
]

export const MINIO_REFUSALS: readonly RefusalPattern[] = [
  ...AWS_REFUSALS,
  // A copy of an SSE-C source without its key: minio cmd/api-errors.go, ErrInvalidEncryptionParametersSSEC
  {
    refusal: 'key-needed',
    status: 400,
    code: 'InvalidArgument',
    message: /valid encryption algorithm/,
  },
]

/** A provider that differs from a careful guess in what is named. */
export const profile = (name: string, differences: Partial<Profile>): Profile => ({
  name,
  addressing: 'path',
  family: 'amz',
  signature: 'sigv4',
  payload: 'hashed',
  checksums: true,
  trailers: 'none',
  keyAlsoOn: WITH_CHECKSUMS,
  etag: 'mark',
  copy: 'full',
  silentOn: new Set(),
  partEcho: 'hint',
  attributes: 'own',
  blocksSseC: false,
  // Unknown, so not relied on.
  ifMatch: { put: 'none', complete: false, copy: false },
  createsOnce: false,
  conditionsOnVersions: true,
  // Unknown, so not relied on: what MinIO makes of it, nobody can read.
  copiesOntoItself: false,
  // Unknown, so taken for granted: it costs something with few object keys, and would cost the policy its say.
  decodesPartSourceTwice: true,
  refusals: [...AWS_REFUSALS, ...CEPH_REFUSALS],
  quirks: [],
  ...differences,
})

/**
 * Reads a provider's error to a read or copy: is it about the key?
 *
 * @param code undefined when the answer had no body to tell (HEAD): then the status alone decides
 */
export const refusalOf = (
  { refusals }: Profile,
  status: number,
  code: string | undefined,
  message: string,
): Refusal | undefined =>
  refusals.find(
    pattern =>
      pattern.status === status &&
      (code === undefined ||
        (pattern.code === code &&
          (pattern.message === undefined || pattern.message.test(message)))),
  )?.refusal
