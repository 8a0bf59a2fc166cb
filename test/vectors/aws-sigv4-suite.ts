/**
 * Cases of AWS's own SigV4 test suite that hold for S3, which neither normalises paths nor joins header lines.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-test-suite.html
 *
 * All of them are signed with the key pair and scope below, over an empty payload.
 */
export interface SuiteCase {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly query: string
  /** Name and value in turn. */
  readonly rawHeaders: readonly string[]
  readonly signature: string
}

export const SUITE_KEY = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
export const SUITE_DATE = '20150830T123600Z'
export const SUITE_SCOPE = { date: '20150830', region: 'us-east-1', service: 'service' }

const BASE = ['Host', 'example.amazonaws.com', 'X-Amz-Date', SUITE_DATE]

export const SUITE: readonly SuiteCase[] = [
  {
    name: 'get-vanilla',
    method: 'GET',
    path: '/',
    query: '',
    rawHeaders: BASE,
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  {
    name: 'post-vanilla',
    method: 'POST',
    path: '/',
    query: '',
    rawHeaders: BASE,
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  },
  {
    name: 'get-vanilla-query-order-key-case',
    method: 'GET',
    path: '/',
    query: 'Param2=value2&Param1=value1',
    rawHeaders: BASE,
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  {
    name: 'get-vanilla-empty-query-key',
    method: 'GET',
    path: '/',
    query: 'Param1=value1',
    rawHeaders: BASE,
    signature: 'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
  },
  {
    name: 'get-unreserved',
    method: 'GET',
    path: '/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    query: '',
    rawHeaders: BASE,
    signature: '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  },
  {
    name: 'get-utf8',
    method: 'GET',
    path: '/%E1%88%B4',
    query: '',
    rawHeaders: BASE,
    signature: '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85',
  },
  {
    name: 'get-header-key-duplicate',
    method: 'GET',
    path: '/',
    query: '',
    rawHeaders: [...BASE, 'My-Header1', 'value2', 'My-Header1', 'value2', 'My-Header1', 'value1'],
    signature: 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
  },
  {
    name: 'get-header-value-order',
    method: 'GET',
    path: '/',
    query: '',
    rawHeaders: [
      ...BASE,
      ...['My-Header1', 'value4', 'My-Header1', 'value1', 'My-Header1', 'value3'],
      ...['My-Header1', 'value2'],
    ],
    signature: '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01',
  },
  {
    name: 'get-header-value-trim',
    method: 'GET',
    path: '/',
    query: '',
    rawHeaders: [...BASE, 'My-Header1', ' value1', 'My-Header2', ' "a   b   c"'],
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  {
    name: 'post-header-key-sort',
    method: 'POST',
    path: '/',
    query: '',
    rawHeaders: [...BASE, 'My-Header1', 'value1'],
    signature: 'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  },
]
