import fc from 'fast-check'
import t from 'tap'
import { markListing } from '../../lib/response/listing.ts'
import type { BodyFilter } from '../../lib/s3/body.ts'
import { markEtag } from '../../lib/s3/etag.ts'
import type { EtagsAt } from '../../lib/ssec/etag.ts'
import { cut, fractions, oneByOne, outcome, through } from '../support/chunks.ts'
import { type Listed, listings, PLAIN, render } from './listings.ts'

const HEX = 'd41d8cd98f00b204e9800998ecf8427e'

const etagsAt: EtagsAt = ({ objectKey }) => (objectKey.startsWith(PLAIN) ? 'as-is' : 'mark')

const filter = (isUrlEncoded = false): BodyFilter => markListing('bucket', isUrlEncoded, etagsAt)

const asProvided = ({ etag }: Listed): string => etag
const asShown = ({ etag, objectKey }: Listed): string =>
  objectKey.startsWith(PLAIN) ? etag : markEtag(etag)

t.test('every listing, however it is cut, shows each ETag as its key’s rule says', async () => {
  fc.assert(
    fc.property(listings, fractions, (listing, places) => {
      const document = render(listing, asProvided)
      const expected = render(listing, asShown).toString()
      const rewrite = (chunks: readonly Buffer[]): string =>
        through(filter(listing.isUrlEncoded), chunks)
      return (
        rewrite([document]) === expected &&
        rewrite(cut(document, places)) === expected &&
        rewrite(oneByOne(document)) === expected
      )
    }),
    { numRuns: 500 },
  )
})

t.test('a listing that is marked already stays as it is', async () => {
  fc.assert(
    fc.property(listings, listing => {
      const marked = render(listing, asShown)
      return through(filter(listing.isUrlEncoded), [marked]) === marked.toString()
    }),
  )
})

t.test('of a damaged listing comes the same, however it is cut', async () => {
  const damage = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cuts: fc.nat({ max: 30 }),
    puts: fc.constantFrom('', '<', '>', '"', '</Key>', '<Contents>', '<!--', ']]>', '<x y="'),
  })
  fc.assert(
    fc.property(listings, damage, fractions, (listing, { at, cuts, puts }, places) => {
      const whole = render(listing, asProvided)
      const from = Math.floor(at * whole.length)
      const document = Buffer.concat([
        whole.subarray(0, from),
        Buffer.from(puts),
        whole.subarray(from + cuts),
      ])
      const result = outcome(filter(), [document])
      return (
        result === outcome(filter(), cut(document, places)) &&
        result === outcome(filter(), oneByOne(document))
      )
    }),
    { numRuns: 500 },
  )
})

const contents = (inside: string): Buffer => Buffer.from(`<R><Contents>${inside}</Contents></R>`)

t.test('a key that is not what encoding-type=url promised is taken as it is', async t => {
  const listing = contents(`<Key>${PLAIN}100%</Key><ETag>"${HEX}"</ETag>`)
  t.equal(through(filter(true), [listing]), listing.toString())
})

t.test('an object without a key, or with two ETags, is no reason to stumble', async t => {
  const keyless = contents(`<ETag>"${HEX}"</ETag>`)
  t.equal(through(filter(), [keyless]), keyless.toString())
  const two = contents(`<Key>k</Key><ETag>"${HEX}"</ETag><ETag>"${HEX}"</ETag>`)
  t.match(through(filter(), [two]), `<ETag>"${HEX}-0"</ETag><ETag>"${HEX}"</ETag>`)
  const impossible = contents(`<Key>&#x110000;&#99999999999;</Key><ETag>"${HEX}"</ETag>`)
  t.match(through(filter(), [impossible]), `"${HEX}-0"`)
})

t.test('an object that does not end where it should is refused', async t => {
  const faults: readonly (readonly [inside: string, message: string])[] = [
    ['<R><Contents><Key>k</Key>', 'cut off in an element'],
    ['<R><Contents><Key>k</Contents></R>', 'an end tag ends another element'],
    ['<R><Contents><Key>k</Key></R>', 'an end tag ends another element'],
    ['<R><Contents><Key>k</Ke', 'cut off'],
    ['<R><Contents/></R', 'cut off'],
  ]
  for (const [inside, message] of faults) {
    t.throws(() => through(filter(), [Buffer.from(inside)]), { name: 'SyntaxError', message })
  }
})

/** Bytes that the filter holds at most, while a document goes on and on in its first megabyte. */
const mostHeld = (start: string, more: string): number => {
  const body = filter()
  const chunk = Buffer.from(more.repeat(Math.ceil(1000 / more.length)))
  let held = 0
  let most = 0
  const feed = (bytes: Buffer): void => {
    most = Math.max(most, held)
    held += bytes.length - Buffer.concat([...body.push(bytes)]).length
  }
  try {
    feed(Buffer.from(start))
    for (let i = 0; i < 1000; i++) feed(chunk)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return most
}

t.test('hostile documents are held no longer than the limits', async t => {
  const TAG = 4096
  const ELEMENT = 64 * 1024
  const endless: readonly (readonly [limit: number, name: string, start: string, more: string])[] =
    [
      [0, 'text', '<R>', 'x'],
      [0, 'tags', '', '<a><b c="d"/></a>'],
      [2, 'a comment', '<R><!--', '<Contents>'],
      [2, 'a CDATA section', '<R><![CDATA[', ']]'],
      [1, 'an instruction', '<?', '?'],
      [TAG, 'a tag', '<R a="', '>'],
      [TAG, 'a name', '<', 'R'],
      [ELEMENT, 'an object’s key', '<Contents><Key>', 'k'],
      [ELEMENT, 'a comment in an object', '<Contents><!--', '-'],
      [ELEMENT, 'depth in an object', '<Contents>', '<a>'],
      [ELEMENT, 'children of an object', '<Version>', '<a b="/>"/>'],
    ]
  for (const [limit, name, start, more] of endless) {
    const held = mostHeld(start, more)
    t.ok(held <= limit, `${name}: ${held} bytes held`)
    if (limit > 2) t.ok(held > limit / 2, `${name}: but as long as they may be needed`)
  }
})
