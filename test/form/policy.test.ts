import t from 'tap'
import { checkPolicy } from '../../lib/form/check-policy.ts'
import { parsePolicyDocument } from '../../lib/form/policy-document.ts'
import { S3Error } from '../../lib/s3/error.ts'

const NOW = new Date('2026-01-01T00:00:00Z')
const LATER = '2026-01-01T00:01:00.000Z'
const BUCKET = { bucket: 'b' }

const base64 = (document: unknown): string =>
  Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)).toString('base64')

interface Given {
  readonly fields?: Readonly<Record<string, string>>
  readonly length?: number
}

const outcome = (document: unknown, { fields = {}, length = 5 }: Given): string => {
  try {
    const form = { bucket: 'b', fields: new Map(Object.entries(fields)), length }
    checkPolicy(parsePolicyDocument(base64(document)), form, NOW)
    return 'ok'
  } catch (error) {
    if (error instanceof S3Error) return `${error.code}: ${error.message}`
    throw error
  }
}

const failed = (condition: string): string =>
  `AccessDenied: Invalid according to Policy: Policy Condition failed: ${condition}`
const extra = (names: string): string =>
  `AccessDenied: Invalid according to Policy: Extra input fields: ${names}`

t.test('each condition holds or fails as S3 has it', async t => {
  const cases: readonly (readonly [unknown, Given, string])[] = [
    [{ key: 'a' }, { fields: { key: 'a' } }, 'ok'],
    [{ key: 'a' }, { fields: { key: 'A' } }, failed('["eq", "$key", "a"]')],
    [['eq', '$key', 'a'], { fields: { key: 'a' } }, 'ok'],
    [['eq', '$key', 'a'], { fields: { key: 'ab' } }, failed('["eq", "$key", "a"]')],
    [['EQ', '$Key', 'a'], { fields: { key: 'a' } }, 'ok'],
    [['starts-with', '$key', 'user/'], { fields: { key: 'user/x' } }, 'ok'],
    [
      ['starts-with', '$key', 'user/'],
      { fields: { key: ' user/x' } },
      failed('["starts-with", "$key", "user/"]'),
    ],
    [['starts-with', '$key', ''], { fields: { key: 'anything' } }, 'ok'],
    [['starts-with', '$key', '\\$a'], { fields: { key: '\\$a.txt' } }, 'ok'],
    [{ acl: 'public-read' }, { fields: { acl: 'public-read' } }, 'ok'],
    [
      { acl: 'public-read' },
      { fields: { acl: 'private' } },
      failed('["eq", "$acl", "public-read"]'),
    ],
    [{ acl: 'public-read' }, {}, failed('["eq", "$acl", "public-read"]')],
    [{ success_action_status: 201 }, { fields: { success_action_status: '201' } }, 'ok'],
    [
      ['starts-with', '$success_action_redirect', 'https://page.example/'],
      { fields: { success_action_redirect: 'https://evil.example/' } },
      failed('["starts-with", "$success_action_redirect", "https://page.example/"]'),
    ],
    [
      ['starts-with', '$Content-Type', 'image/'],
      { fields: { 'content-type': 'image/png, image/jpeg' } },
      'ok',
    ],
    [
      ['starts-with', '$Content-Type', 'image/'],
      { fields: { 'content-type': 'image/png,text/html' } },
      failed('["starts-with", "$content-type", "image/"]'),
    ],
    [['starts-with', '$x-amz-meta-a', ''], { fields: { 'x-amz-meta-a': 'ä' } }, 'ok'],
    [['starts-with', '$x-amz-meta-a', 'ä'], { fields: { 'x-amz-meta-a': 'äö' } }, 'ok'],
    [['content-length-range', 5, 5], {}, 'ok'],
    [['content-length-range', '1', '10'], {}, 'ok'],
    [
      ['content-length-range', 6, 9],
      {},
      'EntityTooSmall: Your proposed upload is smaller than the minimum allowed size.',
    ],
    [
      ['content-length-range', 0, 4],
      {},
      'EntityTooLarge: Your proposed upload exceeds the maximum allowed size.',
    ],
    [['content-length-range', 0, 0], { length: 0 }, 'ok'],
    [{ bucket: 'other' }, {}, failed('["eq", "$bucket", "other"]')],
  ]
  for (const [condition, given, expected] of cases) {
    const document = { expiration: LATER, conditions: [BUCKET, condition] }
    t.equal(outcome(document, given), expected, JSON.stringify(condition))
  }
})

t.test('every field that acts must have been thought of', async t => {
  const document = { expiration: LATER, conditions: [BUCKET, { key: 'k' }] }
  const of = (fields: Readonly<Record<string, string>>): string =>
    outcome(document, { fields: { key: 'k', ...fields } })
  t.equal(of({}), 'ok')
  t.equal(of({ policy: 'p', 'x-amz-signature': 's', 'x-ignore-me': 'i', bucket: 'b' }), 'ok')
  t.equal(of({ 'x-amz-meta-a': '1', acl: 'private' }), extra('x-amz-meta-a, acl'))
  t.equal(of({ 'x-amz-credential': 'c' }), extra('x-amz-credential'))
  t.equal(outcome({ expiration: LATER, conditions: [] }, {}), extra('bucket'))
})

t.test('a policy counts until it expires', async t => {
  const at = (expiration: string): string => outcome({ expiration, conditions: [BUCKET] }, {})
  t.equal(at('2026-01-01T00:00:00.001Z'), 'ok')
  t.equal(at('2026-01-01T00:00:01Z'), 'ok')
  t.equal(at('2026-01-01T00:00:00Z'), 'AccessDenied: Invalid according to Policy: Policy expired.')
})

t.test('what is no policy document is named as that', async t => {
  const whole = { expiration: LATER, conditions: [BUCKET] }
  const conditions = (...list: readonly unknown[]) => ({ expiration: LATER, conditions: list })
  const cases: readonly unknown[] = [
    '',
    '{',
    '[]',
    'null',
    { conditions: [BUCKET] },
    { expiration: LATER },
    { ...whole, conditions: BUCKET },
    { ...whole, expiration: '2026-01-01' },
    { ...whole, expiration: '2026-13-01T00:00:00Z' },
    { ...whole, expiration: '2026-01-01T00:01:00+01:00' },
    { ...whole, expiration: 1 },
    { Expiration: LATER, conditions: [BUCKET] },
    { expiration: LATER, CONDITIONS: [BUCKET] },
    conditions({}),
    conditions({ a: 'b', c: 'd' }),
    conditions('a'),
    conditions({ a: ['b'] }),
    conditions(['eq', '$a']),
    conditions(['eq', 'a', 'b']),
    conditions(['eq', '$', 'b']),
    conditions(['eq', 1, 'b']),
    conditions(['eq', '$a', { b: 'c' }]),
    conditions(['ends-with', '$a', 'b']),
    conditions([1, '$a', 'b']),
    conditions(['content-length-range', 1]),
    conditions(['content-length-range', -1, 5]),
    conditions(['content-length-range', 1, 'x']),
    conditions(['content-length-range', 1.5, 5]),
  ]
  for (const document of cases) {
    t.match(
      outcome(document, {}),
      /^InvalidPolicyDocument: Invalid Policy: /,
      JSON.stringify(document),
    )
  }
})

t.test('the escapes that S3 adds to JSON are read', async t => {
  const document = `{"expiration":"${LATER}","conditions":[{"bucket":"b"},{"key":"\\$a\\\\\\u0062\\v"}]}`
  t.equal(outcome(document, { fields: { key: '$a\\b\v' } }), 'ok')
})
