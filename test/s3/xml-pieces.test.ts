import fc from 'fast-check'
import t from 'tap'
import { type Piece, PieceReader } from '../../lib/s3/xml-pieces.ts'

const read = (...chunks: readonly string[]): readonly Piece[] => {
  const reader = new PieceReader()
  const pieces = chunks.flatMap(chunk => reader.push(chunk))
  reader.end()
  return pieces
}

const xmlOf = (pieces: readonly Piece[]): string => pieces.map(({ xml }) => xml).join('')

t.test('tags are told from what only looks like them', async t => {
  const document =
    '<?xml version="1.0"?><!-- <no> --><a:b c="1>2" d=\'"/>\'><![CDATA[<no>]]>x &lt; y<e/></a:b >'
  t.strictSame(
    read(document).map(piece => ('name' in piece ? `${piece.kind} ${piece.name}` : piece.kind)),
    [
      ...['other', 'other', 'other', 'other', 'open a:b', 'other', 'other'],
      ...['text', 'empty e', 'close a:b'],
    ],
  )
})

const markup = fc.constantFrom(
  ...['<', '>', '<a>', '</a>', '<a/>', '<a b="', "<a b='>'>", '"', "'", '/', '!', '?', '-', ']'],
  ...['<!--', '-->', '--', '<![CDATA[', ']]>', '<?', '?>', '<!', '<!D', ' ', 'x', '\xc3'],
)

t.test('the pieces are the document, however it is cut', async () => {
  const outcome = (...chunks: readonly string[]): string => {
    try {
      return xmlOf(read(...chunks))
    } catch (error) {
      return String(error instanceof SyntaxError)
    }
  }
  fc.assert(
    fc.property(fc.array(markup, { maxLength: 40 }), parts => {
      const document = parts.join('')
      const whole = outcome(document)
      const isRight = whole === document || whole === 'true'
      return isRight && whole === outcome(...parts) && whole === outcome(...document)
    }),
    { numRuns: 2000 },
  )
})

t.test('what is no XML is refused', async t => {
  const faults = [
    '<',
    '<a',
    '<a b="',
    '< a>',
    '<1>',
    '</>',
    '<a<b>',
    '<!DOCTYPE a>',
    '<!ENTITY x "y">',
    '<!--',
    '<!-- open',
    '<![CDATA[ open ]]',
    '<?open',
    '<!-->',
  ]
  for (const fault of faults) t.throws(() => read(fault), SyntaxError, fault)
})

t.test('a tag has a limit, whether it comes whole or in parts', async t => {
  const tag = `<a b="${'x'.repeat(4096)}">`
  t.throws(() => read(tag), { message: 'a tag is too long' })
  t.throws(() => read(...tag), { message: 'a tag is too long' })
  t.throws(() => read('<'.padEnd(5000, 'a')), { message: 'a tag is too long' })
})
