import { B2_NATIVE_QUIRKS } from './b2-native.ts'
import { CLOUDS } from './clouds.ts'
import { AWS_REFUSALS, CEPH_REFUSALS, MINIO_REFUSALS, type Profile, profile } from './profile.ts'

export {
  type CopyAbility,
  type Profile,
  type Quirk,
  type Refusal,
  type RefusalPattern,
  refusalOf,
  type Signature,
  type TrailerAbility,
} from './profile.ts'

/** The provider whose API is not S3: `b2/` is the lane of its own clients, and `b2-upstream/` speaks S3 over it. */
export const B2_NATIVE = 'b2-native'

const PROFILES: readonly Profile[] = [
  // MinIO and what is built like it do not echo there; with others it costs one look at the completed object.
  profile('generic', { silentOn: new Set(['CreateMultipartUpload']) }),
  profile('aws', {
    addressing: 'virtual',
    trailers: 'tls',
    blocksSseC: true,
    ifMatch: { put: 'quoted', complete: true, copy: true },
    createsOnce: true,
    copiesOntoItself: true,
    decodesPartSourceTwice: false,
    refusals: AWS_REFUSALS,
    quirks: [
      {
        what: 'SSE-C is blocked on new buckets since April 2026: writes get 403 AccessDenied before the key is looked at.',
        source:
          'https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html',
      },
      {
        what: 'The ETag of an SSE-C object is not an MD5.',
        source: 'https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html',
      },
    ],
  }),
  profile('minio', {
    trailers: 'tls',
    silentOn: new Set(['CreateMultipartUpload', 'CopyObject', 'UploadPartCopy']),
    partEcho: 'proof',
    ifMatch: { put: 'none', complete: 'opens', copy: false },
    createsOnce: true,
    decodesPartSourceTwice: false,
    refusals: MINIO_REFUSALS,
    quirks: [
      {
        what: 'A PUT with If-Match opens the object that it replaces with its own key, and so fails where that changes; a CompleteMultipartUpload must bring a key, whichever, exactly when that object has one. A CopyObject onto itself may overwrite what was written meanwhile.',
        source: 'measured on 7aac2a2c (February 2026)',
      },
      {
        what: 'CreateMultipartUpload and copies are answered without echo, encrypted as asked.',
        source:
          'measured on 7aac2a2c (February 2026); cmd/object-multipart-handlers.go, cmd/object-handlers.go',
      },
      {
        what: 'In a versioned bucket, a CopyObject of an SSE-C object onto itself to SSE-C makes a version that is answered 200 and that nobody can read: such copies are streamed.',
        source: 'measured on 7aac2a2c (February 2026)',
      },
      {
        what: 'SSE-C only when the server itself terminates TLS; X-Forwarded-Proto does not count.',
        source: 'https://github.com/minio/minio/issues/15315',
      },
      {
        what: 'Object keys with `..`, `.` or `//` as path elements are refused.',
        source:
          'https://github.com/minio/minio/blob/master/cmd/object-api-utils.go (IsValidObjectPrefix)',
      },
    ],
  }),
  profile('ceph', {
    keyAlsoOn: new Set(),
    attributes: 'none',
    etag: 'as-is',
    copy: 'same-key-parts',
    silentOn: new Set(['UploadPartCopy']),
    ifMatch: { put: 'bare', complete: false, copy: false },
    createsOnce: true,
    conditionsOnVersions: false,
    refusals: CEPH_REFUSALS,
    quirks: [
      {
        what: 'If-Match on PUT wants the ETag without quotes, and is ignored on CompleteMultipartUpload. Of two PUTs that commit at once the first stays, and both are answered 200.',
        source: 'measured on 16.2.15',
      },
      {
        what: 'In a versioned bucket, a PUT with If-Match is always refused, and one with If-None-Match never.',
        source: 'measured on 16.2.15',
      },
      {
        what: 'The ETag of an SSE-C object is the MD5 of its plaintext, and of a multipart upload that of its parts’ MD5s.',
        source: 'measured on 16.2.15 (test/real)',
      },
      {
        what: 'A plaintext object asked with a key is answered 200 without echo.',
        source: 'measured on 16.2.15 (test/real)',
      },
      {
        what: 'CopyObject of an SSE-C source is 501 before Tentacle.',
        source: 'https://github.com/ceph/ceph/pull/63794',
      },
      {
        what: 'UploadPartCopy ignores the copy-source triple and reads with the upload’s key; it answers without echo, and decodes its copy source twice.',
        source: 'measured on 16.2.15 (test/real); a `%` that ends up alone kills radosgw',
      },
      {
        what: 'CopyObject to SSE-C, and UploadPart with a key into an upload without one, answer 200 and store plaintext.',
        source: 'measured on 16.2.15 (test/real)',
      },
      {
        what: 'CompleteMultipartUpload leaves its ETag empty; `?attributes` is answered with the object, and `?partNumber` ignored.',
        source: 'measured on 16.2.15 (test/real)',
      },
      {
        what: 'A wrong x-amz-checksum-crc32 is ignored, so the proxy checks it.',
        source: 'measured on 16.2.15 (test/real)',
      },
    ],
  }),
  profile('embedded', {
    trailers: 'any',
    ifMatch: { put: 'quoted', complete: true, copy: true },
    createsOnce: true,
    copiesOntoItself: true,
    blocksSseC: true,
    decodesPartSourceTwice: false,
    refusals: AWS_REFUSALS,
    quirks: [{ what: 'For trial and tests: no signature check.', source: 'lib/embedded' }],
  }),
  ...CLOUDS,
  profile(B2_NATIVE, {
    checksums: false,
    keyAlsoOn: new Set(),
    etag: 'as-is',
    attributes: 'none',
    decodesPartSourceTwice: false,
    refusals: AWS_REFUSALS,
    quirks: B2_NATIVE_QUIRKS,
  }),
]

/** Every provider's profile, by the name that `upstreams.*.provider` gives. */
export const PROVIDERS: ReadonlyMap<string, Profile> = new Map(
  PROFILES.map(each => [each.name, each]),
)
