/** A request that AWS publishes with its signature. */
export interface SignedExample {
  readonly name: string
  readonly method: string
  readonly target: string
  /** Name and value in turn, without Authorization. */
  readonly rawHeaders: readonly string[]
  readonly signedHeaders: string
  readonly body: string
  /** SHA-256 of the canonical request. */
  readonly canonicalHash: string
  readonly signature: string
}

/** All of the examples are signed at this time, for us-east-1. */
export const EXAMPLE_DATE = '20130524T000000Z'

const HOST = 'examplebucket.s3.amazonaws.com'
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/**
 * The four examples of "Authenticating Requests: Using the Authorization Header".
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export const HEADER_EXAMPLES: readonly SignedExample[] = [
  {
    name: 'GET Object',
    method: 'GET',
    target: '/test.txt',
    rawHeaders: [
      'Host',
      HOST,
      'Range',
      'bytes=0-9',
      'x-amz-content-sha256',
      EMPTY,
      'x-amz-date',
      EXAMPLE_DATE,
    ],
    signedHeaders: 'host;range;x-amz-content-sha256;x-amz-date',
    body: '',
    canonicalHash: '7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972',
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'PUT Object',
    method: 'PUT',
    target: '/test$file.text',
    rawHeaders: [
      'Host',
      HOST,
      'Date',
      'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-date',
      EXAMPLE_DATE,
      'x-amz-storage-class',
      'REDUCED_REDUNDANCY',
      'x-amz-content-sha256',
      '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      'Content-Length',
      '21',
    ],
    signedHeaders: 'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
    body: 'Welcome to Amazon S3.',
    canonicalHash: '9e0e90d9c76de8fa5b200d8c849cd5b8dc7a3be3951ddb7f6a76b4158342019d',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'GET Bucket Lifecycle',
    method: 'GET',
    target: '/?lifecycle',
    rawHeaders: ['Host', HOST, 'x-amz-date', EXAMPLE_DATE, 'x-amz-content-sha256', EMPTY],
    signedHeaders: 'host;x-amz-content-sha256;x-amz-date',
    body: '',
    canonicalHash: '9766c798316ff2757b517bc739a67f6213b4ab36dd5da2f94eaebf79c77395ca',
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'Get Bucket (List Objects)',
    method: 'GET',
    target: '/?max-keys=2&prefix=J',
    rawHeaders: ['Host', HOST, 'x-amz-date', EXAMPLE_DATE, 'x-amz-content-sha256', EMPTY],
    signedHeaders: 'host;x-amz-content-sha256;x-amz-date',
    body: '',
    canonicalHash: 'df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7',
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
]

/**
 * The example of "Authenticating Requests: Using Query Parameters".
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
export const PRESIGNED_EXAMPLE = {
  method: 'GET',
  target:
    '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  rawHeaders: ['Host', HOST],
}

/** The 65 KiB of `a` that AWS's chunked examples upload. */
export const CHUNKED_BODY = Buffer.alloc(66_560, 'a')

const CHUNKED_HEADERS = [
  'Host',
  's3.amazonaws.com',
  'x-amz-date',
  EXAMPLE_DATE,
  'x-amz-storage-class',
  'REDUCED_REDUNDANCY',
  'Content-Encoding',
  'aws-chunked',
  'x-amz-decoded-content-length',
  '66560',
]

/**
 * The example of "Transferring Payload in Multiple Chunks", whole.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export const CHUNKED_EXAMPLE: SignedExample = {
  name: 'signed chunks',
  method: 'PUT',
  target: '/examplebucket/chunkObject.txt',
  rawHeaders: [
    ...CHUNKED_HEADERS,
    'x-amz-content-sha256',
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'Content-Length',
    '66824',
  ],
  signedHeaders:
    'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
  body: [
    '10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
    'a'.repeat(65_536),
    '400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
    'a'.repeat(1024),
    '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
    '',
    '',
  ].join('\r\n'),
  canonicalHash: 'cee3fed04b70f867d036f722359b0b1f2f0e5dc0efadbc082b76c4c60e316455',
  signature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
}

/**
 * The example of "Including trailing headers", whole.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export const TRAILER_EXAMPLE: SignedExample = {
  name: 'signed chunks and trailer',
  method: 'PUT',
  target: '/examplebucket/chunkObject.txt',
  rawHeaders: [
    ...CHUNKED_HEADERS,
    'x-amz-content-sha256',
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    'x-amz-trailer',
    'x-amz-checksum-crc32c',
  ],
  signedHeaders:
    'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer',
  body: [
    '10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
    'a'.repeat(65_536),
    '400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
    'a'.repeat(1024),
    '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
    'x-amz-checksum-crc32c:sOO8/Q==',
    'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435',
    '',
    '',
  ].join('\r\n'),
  canonicalHash: '44d48b8c2f70eae815a0198cc73d7a546a73a93359c070abbaa5e6c7de112559',
  signature: '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
}
