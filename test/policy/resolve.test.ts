import fc from 'fast-check'
import t from 'tap'
import { compileGlob } from '../../lib/policy/glob.ts'
import { createPolicy, type Question } from '../../lib/policy/resolve.ts'
import type { Rule, RuleEffect, RuleMatch } from '../../lib/policy/rule.ts'
import { OPERATIONS, type OperationName } from '../../lib/s3/operation.ts'

const ENCRYPT: Extract<RuleEffect, { kind: 'encrypt' }> = {
  kind: 'encrypt',
  encrypt: { keyring: 'main' },
  plaintextReads: 'deny',
  clientKeys: 'reject',
  conflicts: 'remove',
  onUnconfirmed: 'delete',
  responseHeaders: 'show',
}

const rule = (name: string, match: RuleMatch, effect: RuleEffect = ENCRYPT): Rule => ({
  name,
  match,
  effect,
})

const asking = (
  name: OperationName,
  place: Omit<Question, 'client' | 'operation'> = {},
): Question => {
  const operation = OPERATIONS.find(each => each.name === name)
  if (operation === undefined) throw new RangeError(name)
  return { client: 'app', operation, ...place }
}

const PHOTO = { bucket: 'photos', objectKey: '2026/cat.jpg' }

t.test('the first rule that matches decides', async t => {
  const policy = createPolicy([
    rule('public', { buckets: ['assets-*'] }, { kind: 'passthrough' }),
    rule('frozen', { buckets: ['archive'], operations: ['write', 'delete'] }, { kind: 'deny' }),
    rule('default', { buckets: ['*'] }),
  ])
  t.strictSame(policy.resolve(asking('PutObject', { bucket: 'assets-1', objectKey: 'k' })), {
    kind: 'passthrough',
    rule: 'public',
  })
  t.strictSame(policy.resolve(asking('DeleteObject', { bucket: 'archive', objectKey: 'k' })), {
    kind: 'deny',
    rule: 'frozen',
    reason: "Rule 'frozen' denies DeleteObject here.",
  })
  t.strictSame(policy.resolve(asking('GetObject', { bucket: 'archive', objectKey: 'k' })), {
    kind: 'encrypt',
    rule: 'default',
    effect: ENCRYPT,
  })
})

t.test('where no rule matches, the answer is deny', async t => {
  t.strictSame(createPolicy([]).resolve(asking('GetObject', PHOTO)), {
    kind: 'deny',
    rule: undefined,
    reason: 'No rule of the policy allows GetObject here.',
  })
})

const MATCHING: readonly (readonly [
  what: string,
  match: RuleMatch,
  question: Question,
  expected: boolean,
])[] = [
  ['a rule without conditions', {}, asking('ListBuckets'), true],
  ['its client', { clients: ['app'] }, asking('GetObject', PHOTO), true],
  ['another client', { clients: ['other'] }, asking('GetObject', PHOTO), false],
  ['an operation by name', { operations: ['GetObject'] }, asking('GetObject', PHOTO), true],
  ['an operation by class', { operations: ['read'] }, asking('GetObject', PHOTO), true],
  ['an operation of another class', { operations: ['write'] }, asking('GetObject', PHOTO), false],
  ['ListBuckets and some buckets', { buckets: ['photos'] }, asking('ListBuckets'), false],
  ['ListBuckets and a wide glob', { buckets: ['?*'] }, asking('ListBuckets'), false],
  ['ListBuckets and all buckets', { buckets: ['photos', '*'] }, asking('ListBuckets'), true],
  ['ListBuckets and a prefix', { prefixes: ['2026/'] }, asking('ListBuckets'), false],
  ['an object under a prefix', { prefixes: ['x/', '2026/'] }, asking('GetObject', PHOTO), true],
  ['an object elsewhere', { prefixes: ['2025/'] }, asking('GetObject', PHOTO), false],
  [
    'a listing of all',
    { prefixes: ['2026/'] },
    asking('ListObjectsV2', { bucket: 'photos' }),
    false,
  ],
  [
    'a listing under the prefix',
    { prefixes: ['2026/'] },
    asking('ListObjectsV2', { bucket: 'photos', objectKey: '2026/05' }),
    true,
  ],
  [
    'a listing of more than the prefix',
    { prefixes: ['2026/'] },
    asking('ListObjectsV2', { bucket: 'photos', objectKey: '202' }),
    false,
  ],
  [
    'a bucket operation and a prefix',
    { prefixes: [''] },
    asking('PutBucketCors', { bucket: 'photos' }),
    false,
  ],
]

t.test('a rule speaks of what all its conditions name', async t => {
  for (const [what, match, question, expected] of MATCHING) {
    t.equal(
      createPolicy([rule('r', match)]).resolve(question).rule,
      expected ? 'r' : undefined,
      what,
    )
  }
})

const OPERATION_WORDS = [
  'read',
  'write',
  'list',
  'delete',
  'admin',
  'GetObject',
  'PutObject',
  'ListObjectsV2',
]
const some = (...values: readonly string[]) =>
  fc.option(fc.subarray([...values], { minLength: 1 }), { nil: undefined })

const anyMatch: fc.Arbitrary<RuleMatch> = fc.record({
  clients: some('app', 'other'),
  buckets: some('*', 'a*', 'a?', 'ab', '*b'),
  prefixes: some('x/', 'x/y', 'z'),
  operations: some(...OPERATION_WORDS),
})
const anyEffect = fc.constantFrom<RuleEffect>(ENCRYPT, { kind: 'passthrough' }, { kind: 'deny' })
const anyRules = fc
  .array(fc.tuple(anyMatch, anyEffect), { maxLength: 6 })
  .map(rules => rules.map(([match, effect], i) => rule(`r${i}`, match, effect)))

const anyQuestion: fc.Arbitrary<Question> = fc.record({
  client: fc.constantFrom('app', 'other', 'third'),
  operation: fc.constantFrom(...OPERATIONS),
  bucket: fc.option(fc.constantFrom('a', 'ab', 'cb', 'c'), { nil: undefined }),
  objectKey: fc.option(fc.constantFrom('x/1', 'x/y/2', 'z', 'q'), { nil: undefined }),
})

const fits = ({ match }: Rule, { client, operation, bucket, objectKey }: Question): boolean => {
  const { clients, buckets, prefixes, operations } = match
  if (clients && !clients.includes(client)) return false
  if (operations && !operations.some(each => each === operation.name || each === operation.class))
    return false
  if (
    buckets &&
    !buckets.some(glob => (bucket === undefined ? glob === '*' : compileGlob(glob)(bucket)))
  )
    return false
  return !prefixes?.every(prefix => objectKey?.slice(0, prefix.length) !== prefix)
}

const naive = (rules: readonly Rule[], asked: Question): Rule | undefined => {
  for (const each of rules) if (fits(each, asked)) return each
  return undefined
}

t.test('property: the decision is that of the first match, told plainly', async () => {
  fc.assert(
    fc.property(anyRules, anyQuestion, (rules, asked) => {
      const decision = createPolicy(rules).resolve(asked)
      const expected = naive(rules, asked)
      return decision.rule === expected?.name && decision.kind === (expected?.effect.kind ?? 'deny')
    }),
    { numRuns: 3000 },
  )
})

t.test('property: only a rule of its own lets a request pass', async () => {
  fc.assert(
    fc.property(anyRules, anyQuestion, (rules, asked) => {
      const decision = createPolicy(rules).resolve({ ...asked, client: 'nobody' })
      fc.pre(decision.kind !== 'deny')
      return rules.some(each => each.name === decision.rule && each.match.clients === undefined)
    }),
  )
})
