import fc from 'fast-check'
import t from 'tap'
import { compileGlob, globCovers } from '../../lib/policy/glob.ts'

const CASES: readonly (readonly [glob: string, name: string, expected: boolean])[] = [
  ['*', '', true],
  ['*', 'anything', true],
  ['**', 'anything', true],
  ['assets', 'assets', true],
  ['assets', 'assets-2', false],
  ['assets', 'my-assets', false],
  ['assets-*', 'assets-', true],
  ['assets-*', 'assets-2', true],
  ['assets-*', 'asset-2', false],
  ['*-logs', 'app-logs', true],
  ['*-logs', 'app-logs-2', false],
  ['a*b*c', 'aXbYbZc', true],
  ['a*b*c', 'acb', false],
  ['team-?', 'team-1', true],
  ['team-?', 'team-', false],
  ['team-?', 'team-12', false],
  ['a.b', 'axb', false],
  ['a+', 'aa', false],
  ['[ab]', 'a', false],
  ['(a|b)', 'a', false],
  ['a$', 'a', false],
]

t.test('a glob takes whole names, and only * and ? are special', async t => {
  for (const [glob, name, expected] of CASES) {
    t.equal(
      compileGlob(glob)(name),
      expected,
      `${glob} ${expected ? 'takes' : 'refuses'} '${name}'`,
    )
  }
})

const literal = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
const asRegExp = (glob: string): RegExp =>
  new RegExp(
    `^${[...glob].map(each => (each === '*' ? '.*' : each === '?' ? '.' : literal(each))).join('')}$`,
    's',
  )

const letters = (alphabet: string) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength: 8 }).map(each => each.join(''))

t.test('a glob agrees with the regular expression it stands for', async () => {
  fc.assert(
    fc.property(
      letters('ab.*?'),
      letters('ab.'),
      (glob, name) => compileGlob(glob)(name) === asRegExp(glob).test(name),
    ),
    { numRuns: 3000 },
  )
})

t.test('a hostile glob takes no time', async t => {
  const glob = `${'a*'.repeat(120)}b`
  const name = 'a'.repeat(255)
  const start = process.cpuUsage().user
  t.equal(compileGlob(glob)(name), false)
  t.ok(process.cpuUsage().user - start < 500_000, 'less than half a second')
})

t.test('a glob that covers another takes every name the other takes', async t => {
  t.ok(globCovers('*', 'a*'))
  t.ok(globCovers('a*', 'ab?*'))
  t.ok(globCovers('a?', 'ab'))
  t.notOk(globCovers('a?', 'a*'))
  t.notOk(globCovers('a*', '*'))
  fc.assert(
    fc.property(letters('ab*?'), letters('ab*?'), letters('ab'), (outer, inner, name) => {
      fc.pre(globCovers(outer, inner) && compileGlob(inner)(name))
      return compileGlob(outer)(name)
    }),
    { numRuns: 300 },
  )
})
