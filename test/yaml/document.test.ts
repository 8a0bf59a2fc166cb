import t from 'tap'
import { parseYaml } from '../../lib/yaml/document.ts'
import { faultText } from '../../lib/yaml/fault.ts'

const faultsIn = (text: string): string[] => parseYaml('f.yaml', text).faults.map(faultText)

const FAULTY: readonly (readonly [what: string, text: string, expected: readonly string[]])[] = [
  [
    'an option twice',
    'a: 1\nb: 2\na: 3\n',
    ['f.yaml:3:1: This option stands here a second time. Keep one of the two.'],
  ],
  [
    'a bracket that is not closed',
    'a: [1, 2\nb: 2\n',
    [
      'f.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ].',
    ],
  ],
  ['a tab', 'a:\n\tb: 1\n', ['f.yaml:2:1: Tabs are not allowed as indentation.']],
  [
    'text behind a text',
    "a: 'x' s3cr3t\n",
    ['f.yaml:1:8: This cannot stand here. Check indentation, quotes and brackets just before it.'],
  ],
  [
    'a whole line that cannot stand there, told once',
    'a: |\n  x\n }}}\n',
    ['f.yaml:3:2: This cannot stand here. Check indentation, quotes and brackets just before it.'],
  ],
  ['an unknown tag', 'a: !s3cr3t x\n', ['f.yaml:1:4: This tag is unknown. Leave it out.']],
  [
    'an unknown escape',
    'a: "\\q"\n',
    [
      'f.yaml:1:5: This escape is unknown in double quotes. Write \\\\ for a backslash, or use single quotes.',
    ],
  ],
  [
    'a second document',
    'a: 1\n---\nb: 1\n',
    ['f.yaml:2:1: A second document begins here. Keep one, without a --- line.'],
  ],
  [
    'a list for a name',
    '? [a]\n: 1\n',
    ['f.yaml:1:3: An option must have a plain name. Write `name: value`.'],
  ],
  [
    'an alias of nothing',
    'a: *s3cr3t\n',
    ['f.yaml:1:1: An alias (*name) has no anchor (&name) before it. Write the value out.'],
  ],
]

t.test(
  'what is wrong with a text as YAML is told with its line, and without quoting it',
  async t => {
    for (const [what, text, expected] of FAULTY) {
      t.strictSame(faultsIn(text), expected, what)
      t.notMatch(faultsIn(text).join(), /s3cr3t/)
    }
  },
)

t.test('a text that is no YAML has no value', async t => {
  t.equal(parseYaml('f.yaml', 'a: [1\nb').value, undefined)
  t.equal(parseYaml('f.yaml', 'a: *b').value, undefined)
})

t.test('a doubled option leaves the rest readable', async t => {
  t.strictSame(parseYaml('f.yaml', 'a: 1\na: 2\n').value, { a: 2 })
})

t.test('an empty text is null', async t => {
  t.strictSame(parseYaml('f.yaml', '').value, null)
  t.strictSame(faultsIn('# nothing\n'), [])
})

t.test('aliases that multiply without end are a fault', async t => {
  const levels = Array.from({ length: 12 }, (_, i) => {
    const before = i === 0 ? 'x' : `*a${i - 1}`
    return `a${i}: &a${i} [${Array(9).fill(before).join(', ')}]`
  })
  t.equal(faultsIn(levels.join('\n')).length, 1)
})

const TEXT = `\
one: &shared
  two: [a, {three: b}]
"four": *shared
1: x
`
const PLACES: readonly (readonly [path: readonly (string | number)[], place: string])[] = [
  [[], '1:1'],
  [['one'], '1:1'],
  [['one', 'two'], '2:3'],
  [['one', 'two', 0], '2:9'],
  [['one', 'two', 1, 'three'], '2:13'],
  [['one', 'two', 7], '2:3'],
  [['one', 'missing', 'below'], '1:1'],
  [['four'], '3:1'],
  [['four', 'two'], '2:3'],
  [['1'], '4:1'],
  [['missing'], '1:1'],
]

t.test('a finding gets the place of its value, or the nearest around it', async t => {
  const document = parseYaml('f.yaml', TEXT)
  for (const [path, place] of PLACES) {
    const { line, column } = document.locate({ path, message: '' })
    t.equal(`${line}:${column}`, place, path.join('.'))
  }
})

t.test('a finding may point elsewhere than its path says', async t => {
  const finding = { path: ['one'], at: ['one', 'two'], message: 'm' }
  t.equal(faultText(parseYaml('f.yaml', TEXT).locate(finding)), 'f.yaml:2:3 one: m')
})
