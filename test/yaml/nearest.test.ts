import t from 'tap'
import { meant, nearest } from '../../lib/yaml/nearest.ts'

const KNOWN = ['host', 'port', 'connections', 'PutObject', 'GetObject']

const CASES: readonly (readonly [name: string, expected: string | undefined])[] = [
  ['host', 'host'],
  ['hots', 'host'],
  ['prt', 'port'],
  ['ports', 'port'],
  ['bort', 'port'],
  ['conections', 'connections'],
  ['Connection', 'connections'],
  ['putobject', 'PutObject'],
  ['timeout', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
]

t.test('a slip of the hand finds the name that was meant', async t => {
  for (const [name, expected] of CASES) t.equal(nearest(name, KNOWN), expected, name.slice(0, 20))
})

t.test('what to do names the one that was meant, or all', async t => {
  t.equal(meant('mian', ['main', 'other']), 'Did you mean main?')
  t.equal(meant('elsewhere', ['main', 'other']), 'Known: main, other.')
  t.equal(meant('main', []), 'There is none yet.')
})
