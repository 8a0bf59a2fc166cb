import t from 'tap'
import { z } from 'zod'
import { shapeOf, wellFormedOptions } from '../../lib/yaml/shape.ts'

const inner = z.strictObject({ env: z.string().describe('A variable.') })
const schema = z.strictObject({
  text: z.string().describe('Some text.'),
  number: z.int().min(1).max(9).optional(),
  words: z.array(z.string()).min(1).optional(),
  choice: z.enum(['a', 'b']).optional(),
  yes: z.literal(true).optional(),
  either: z
    .union([z.literal('same'), inner, z.strictObject({ file: z.string(), mode: z.string() })], {
      error: 'must be this or that.',
    })
    .optional(),
  named: z.record(z.string().regex(/^[a-z]+$/, { error: 'must be a name.' }), inner).optional(),
})

const findings = (value: unknown): string[] =>
  shapeOf(schema, value).findings.map(
    ({ path, at, message }) => `${path.join('.')}${at ? `@${at.join('.')}` : ''} ${message}`,
  )

const CASES: readonly (readonly [what: string, value: unknown, expected: readonly string[]])[] = [
  ['nothing wrong', { text: 'x', either: 'same', named: { a: { env: 'A' } } }, []],
  ['a missing option', {}, ['text is missing. Some text.']],
  ['an empty option', { text: null }, ['text is empty. Some text.']],
  ['a number for a text', { text: 5 }, ['text must be a text. Put it in quotes. Some text.']],
  ['a list for a text', { text: [] }, ['text must be a text. Some text.']],
  ['nothing at all', null, [' is empty.']],
  ['a number too small', { text: '', number: 0 }, ['number must be at least 1.']],
  ['a number too big', { text: '', number: 10 }, ['number must be at most 9.']],
  ['a broken number', { text: '', number: 1.5 }, ['number must be a whole number.']],
  ['an empty list', { text: '', words: [] }, ['words must not be empty.']],
  ['another choice', { text: '', choice: 'c' }, ['choice must be one of a, b.']],
  ['another literal', { text: '', yes: false }, ['yes must be true.']],
  [
    'unknown options, each at its place',
    { txet: '', text: '', zzzzzz: 1 },
    [
      "@txet has an option 'txet' that is unknown. Did you mean text?",
      '@zzzzzz has an option here that is unknown. Known: text, number, words, choice, yes, either, named.',
    ],
  ],
  ['none of several forms', { text: '', either: 'sme' }, ['either must be this or that.']],
  [
    'nearly one of several forms',
    { text: '', either: { env: 5 } },
    ['either.env must be a text. Put it in quotes. A variable.'],
  ],
  [
    'between two forms',
    { text: '', either: { env: 'A', file: 'f', mode: 'm' } },
    ['either must be this or that.'],
  ],
  [
    'an ill name',
    { text: '', named: { 'A B': { env: 'x' } } },
    ['named@named.A B must be a name.'],
  ],
]

t.test('what stands in the way of a shape is told in words, every bit of it', async t => {
  for (const [what, value, expected] of CASES) t.strictSame(findings(value), expected, what)
})

t.test('no value is quoted', async t => {
  for (const [, value] of CASES) {
    const secret = JSON.parse(JSON.stringify(value).replaceAll(/"(sme|c|A)"/g, '"s3cr3t"'))
    t.notMatch(findings(secret).join(), /s3cr3t/)
  }
})

t.test('the well-formed options of a faulty group are still there', async t => {
  const value = { text: 'x', number: 'y', choice: 'b', zzz: 1 }
  t.strictSame(wellFormedOptions(schema, value), { text: 'x', choice: 'b' })
  t.strictSame(wellFormedOptions(schema, 'no group'), {})
})
