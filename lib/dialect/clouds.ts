import { AWS_REFUSALS, CEPH_REFUSALS, type Profile, profile } from './profile.ts'

// What runs Ceph's gateway, in a release that is not told: whichever way it refuses, it is understood.
const RGW: Partial<Profile> = {
  keyAlsoOn: new Set(),
  copy: 'none',
  silentOn: new Set(['CopyObject', 'UploadPartCopy']),
  attributes: 'none',
  refusals: [...CEPH_REFUSALS, ...AWS_REFUSALS],
}

/** Providers whose service nobody could try here: each difference is documented, or told by somebody who met it. */
export const CLOUDS: readonly Profile[] = [
  profile('obs', {
    addressing: 'virtual',
    family: 'obs',
    signature: 'obs',
    payload: 'unsigned',
    checksums: false,
    keyAlsoOn: new Set(),
    attributes: 'none',
    quirks: [
      {
        what: 'Speaks x-obs-* and signs with HMAC-SHA1; `signature: sigv4` speaks x-amz-* instead, with UNSIGNED-PAYLOAD, for OBS takes no hash of a payload there.',
        source: 'https://support.huaweicloud.com/intl/en-us/obs_faq/obs_faq_0274.html',
      },
      {
        what: 'SSE-KMS is `kms` in place of `aws:kms`; bucket configurations say `obs` in place of AES256.',
        source: 'https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0106.html',
      },
      {
        what: 'The ETag of an encrypted object is not the MD5; Content-MD5 is still verified.',
        source: 'https://support.huaweicloud.com/intl/en-us/sdk-java-devg-obs/obs_21_1901.html',
      },
      {
        what: 'Bucket locations, encryption, grants to everyone and storage classes are named otherwise in XML.',
        source: 'esdk-obs-nodejs 3.26.8, lib/obsModel.js beside lib/v2Model.js',
      },
    ],
  }),
  profile('ovh', {
    quirks: [
      {
        what: 'The guide calls the key MD5 optional and computes it of the base64 text, in hex: both are refused with what is wrong. The proxy sends the MD5 of the 32 bytes.',
        source:
          'https://docs.ovh.com/gb/en/storage/object-storage/s3/encrypt-your-objects-with-sse-c/',
      },
      {
        what: 'HEAD without the key is 400.',
        source: 'https://github.com/Altinity/clickhouse-backup/issues/709',
      },
    ],
  }),
  profile('b2', {
    addressing: 'virtual',
    checksums: false,
    keyAlsoOn: new Set(),
    attributes: 'none',
    quirks: [
      {
        what: 'A header that it does not know is 400 InvalidArgument "Unsupported header": checksums are verified here and left out, and the key goes only where the API names it.',
        source:
          'https://github.com/stonith404/pingvin-share/issues/798, https://github.com/minio/mc/issues/4974',
      },
      {
        what: 'SigV4 and https only; the region stands in the host name.',
        source: 'https://www.backblaze.com/docs/cloud-storage-call-the-s3-compatible-api',
      },
      {
        what: 'Tags are refused on PutObject and CopyObject.',
        source: 'https://www.backblaze.com/apidocs/s3-put-object',
      },
    ],
  }),
  profile('garage', {
    refusals: [
      { refusal: 'plaintext', status: 400, code: 'InvalidRequest', message: /decrypt a plaintext/ },
      {
        refusal: 'wrong-key',
        status: 400,
        code: 'InvalidRequest',
        message: /Invalid encryption key/,
      },
      {
        refusal: 'key-needed',
        status: 400,
        code: 'InvalidRequest',
        message: /Object is encrypted/,
      },
    ],
    quirks: [
      {
        what: 'Every fault of the key is 400 InvalidRequest, told apart by its message; metadata is encrypted with the key, too.',
        source: 'deuxfleurs-org/garage 3f4ab3a4, src/api/s3/encryption.rs',
      },
    ],
  }),
  profile('seaweedfs', {
    quirks: [
      {
        what: 'A header of SSE-KMS makes it ignore SSE-C: the rule removes the one or refuses it.',
        source: 'seaweedfs/seaweedfs cc8364a, weed/s3api/s3_sse_c.go',
      },
    ],
  }),
  profile('r2', {
    refusals: AWS_REFUSALS,
    attributes: 'none',
    quirks: [
      {
        what: 'Its region is `auto`. The provider’s own methods, tags and locks are answered 501.',
        source: 'https://developers.cloudflare.com/r2/api/s3/api/',
      },
      {
        what: 'Browser forms are not taken; the proxy makes PutObject of them.',
        source: 'https://developers.cloudflare.com/r2/api/s3/presigned-urls/',
      },
    ],
  }),
  profile('wasabi', {
    checksums: false,
    refusals: AWS_REFUSALS,
    quirks: [
      {
        what: 'Checksum headers beside SSE-C fail uploads.',
        source: 'https://github.com/minio/mc/issues/4974',
      },
      {
        what: 'Errors about the key have AWS’s words, at least of a wrong MD5.',
        source: 'https://forum.rclone.org/t/aws-s3-sse-c-how-to-generate-keys/20390',
      },
      {
        what: 'The MD5 that it keeps is said to be that of the uploaded data. The ETag is marked all the same, since nobody measured it. x-amz-server-side-encryption is not supported.',
        source:
          'https://wasabi.com/wp-content/themes/wasabi/docs/API_Guide/topics/Object_Server-Side_Encryption.htm',
      },
    ],
  }),
  profile('gcs', {
    family: 'goog',
    signature: 'goog4',
    payload: 'unsigned',
    checksums: false,
    keyAlsoOn: new Set(),
    attributes: 'none',
    quirks: [
      {
        what: 'Customer keys are x-goog-encryption-*, with the key’s SHA-256; signed GOOG4-HMAC-SHA256 with an HMAC key.',
        source: 'https://cloud.google.com/storage/docs/encryption/customer-supplied-keys',
      },
      {
        what: 'Versions are generations.',
        source: 'https://cloud.google.com/storage/docs/xml-api/reference-headers',
      },
      {
        what: 'Hashes of such an object are hidden without its key, and the ETag is opaque.',
        source: 'https://cloud.google.com/storage/docs/encryption/customer-supplied-keys',
      },
    ],
  }),
  profile('digitalocean', {
    ...RGW,
    quirks: [
      {
        what: 'SSE-C is the only encryption of objects; it is taken for Ceph’s gateway, so copies with keys are read and written here.',
        source: 'https://docs.digitalocean.com/products/spaces/reference/s3-compatibility/',
      },
    ],
  }),
  profile('scaleway', {
    quirks: [
      {
        what: 'SSE-C is generally available since November 2024.',
        source: 'https://github.com/scaleway/docs-content/pull/3953',
      },
    ],
  }),
  profile('hetzner', {
    ...RGW,
    quirks: [
      {
        what: 'SSE-C is the only method. Objects under it cannot be copied, and GetObjectAttributes is unknown: the proxy does both itself.',
        source: 'https://docs.hetzner.com/storage/object-storage/supported-actions/',
      },
    ],
  }),
  profile('linode', {
    ...RGW,
    quirks: [
      {
        what: 'Copies of objects under SSE-C fail, as at Ceph’s gateway, for which it is taken in the rest, too.',
        source: 'https://github.com/s3fs-fuse/s3fs-fuse/issues/2218',
      },
    ],
  }),
  profile('ibm', {
    quirks: [
      {
        what: 'ETags of objects under SSE-C are random.',
        source: 'https://cloud.ibm.com/docs/cloud-object-storage?topic=cloud-object-storage-sse-c',
      },
      {
        what: 'On premises SSE-C is enabled for a vault before it is taken.',
        source: 'https://www.ibm.com/docs/en/coss/3.20.1?topic=headers-common-sse-c',
      },
    ],
  }),
  profile('oci', {
    keyAlsoOn: new Set(),
    attributes: 'none',
    quirks: [
      {
        what: 'Its S3 endpoint takes S3’s own headers with the MD5; its native API has others (opc-*), and is not spoken here.',
        source:
          'https://docs.oracle.com/en-us/iaas/Content/Object/Tasks/s3compatibleapi_topic-Amazon_S3_Compatibility_API_Support.htm',
      },
    ],
  }),
  profile('cos', {
    addressing: 'virtual',
    family: 'cos',
    signature: 'cos',
    payload: 'unsigned',
    checksums: false,
    keyAlsoOn: new Set(),
    attributes: 'none',
    quirks: [
      {
        what: 'Signs with HMAC-SHA1 in a form of its own; `signature: sigv4` speaks x-amz-* instead.',
        source: 'https://www.tencentcloud.com/document/product/436/7778',
      },
      {
        what: 'Customer keys are x-cos-server-side-encryption-customer-*, with the MD5; KMS is `cos/kms`.',
        source: 'https://www.tencentcloud.com/document/product/436/7728',
      },
      {
        what: 'The ETag of an encrypted object is not its MD5.',
        source: 'https://www.tencentcloud.com/document/product/436/7729',
      },
    ],
  }),
  ...['stackit', 'storagegrid'].map(name =>
    profile(name, {
      keyAlsoOn: new Set(),
      quirks: [
        {
          what: 'The ETag is not the MD5. SSE-C is refused in buckets that are replicated.',
          source:
            'https://docs.netapp.com/us-en/storagegrid-118/s3/using-server-side-encryption.html',
        },
      ],
    }),
  ),
]
