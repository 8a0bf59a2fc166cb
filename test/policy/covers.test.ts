import fc from 'fast-check'
import t from 'tap'
import { covers } from '../../lib/policy/covers.ts'
import { createPolicy, type Question } from '../../lib/policy/resolve.ts'
import type { RuleMatch } from '../../lib/policy/rule.ts'
import { OPERATIONS } from '../../lib/s3/operation.ts'

const CASES: readonly (readonly [outer: RuleMatch, inner: RuleMatch, expected: boolean])[] = [
  [{}, {}, true],
  [{}, { clients: ['a'], buckets: ['b'], prefixes: ['p'], operations: ['read'] }, true],
  [{ clients: ['a'] }, {}, false],
  [{ clients: ['a', 'b'] }, { clients: ['b'] }, true],
  [{ buckets: ['*'] }, {}, true],
  [{ buckets: ['a*'] }, {}, false],
  [{ buckets: ['a*', 'b'] }, { buckets: ['ab*', 'b'] }, true],
  [{ buckets: ['a*'] }, { buckets: ['ab', 'b'] }, false],
  [{ prefixes: ['x/'] }, { prefixes: ['x/y', 'x/'] }, true],
  [{ prefixes: ['x/y'] }, { prefixes: ['x/'] }, false],
  [{ prefixes: ['x/'] }, {}, false],
  [{ operations: ['read'] }, { operations: ['GetObject', 'HeadObject'] }, true],
  [{ operations: ['GetObject'] }, { operations: ['read'] }, false],
  [{ operations: ['read', 'write', 'list', 'delete', 'admin'] }, { operations: ['write'] }, true],
]

t.test('a rule covers another when it takes every request of that one', async t => {
  for (const [outer, inner, expected] of CASES) {
    t.equal(covers(outer, inner), expected, `${JSON.stringify(outer)} ${JSON.stringify(inner)}`)
  }
})

const some = (...values: readonly string[]) =>
  fc.option(fc.subarray([...values], { minLength: 1 }), { nil: undefined })

const anyMatch: fc.Arbitrary<RuleMatch> = fc.record({
  clients: some('app', 'other'),
  buckets: some('*', '**', 'a*', 'a?', 'ab', '?*'),
  prefixes: some('x/', 'x/y'),
  operations: some('read', 'list', 'GetObject', 'ListBuckets'),
})

const anyQuestion: fc.Arbitrary<Question> = fc.record({
  client: fc.constantFrom('app', 'other'),
  operation: fc.constantFrom(
    ...OPERATIONS.filter(each => each.class === 'read' || each.class === 'list'),
  ),
  bucket: fc.option(fc.constantFrom('a', 'ab', 'abc'), { nil: undefined }),
  objectKey: fc.option(fc.constantFrom('x/1', 'x/y2', 'z'), { nil: undefined }),
})

const fits = (match: RuleMatch, question: Question): boolean =>
  createPolicy([{ name: 'r', match, effect: { kind: 'passthrough' } }]).resolve(question).rule ===
  'r'

t.test('property: what is covered never decides', async () => {
  fc.assert(
    fc.property(anyMatch, anyMatch, anyQuestion, (outer, inner, question) => {
      fc.pre(covers(outer, inner) && fits(inner, question))
      return fits(outer, question)
    }),
    { numRuns: 500, maxSkipsPerRun: 1000 },
  )
})
