import fc from 'fast-check'
import t from 'tap'
import { infoHeaders, infoOf, metadataOf } from '../../lib/b2-upstream/metadata.ts'

const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

const name = fc.stringMatching(/^[a-z0-9_-]{1,30}$/).filter(text => !text.startsWith('b2-'))
const value = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .filter(text => !/\p{Cc}/u.test(text))
  .map(latin1)

t.test('metadata and content headers come back from B2 as they went', t => {
  fc.assert(
    fc.property(
      fc.dictionary(name, value, { maxKeys: 5 }),
      fc.dictionary(
        fc.constantFrom(
          'cache-control',
          'content-disposition',
          'content-encoding',
          'content-language',
          'expires',
        ),
        value,
      ),
      (metadata, content) => {
        const named = Object.entries(metadata).map(
          ([key, text]) => [`x-amz-meta-${key}`, text] as const,
        )
        const headers = new Map([...named, ...Object.entries(content)])
        const stored = new Map(infoHeaders(infoOf(headers, 'key', false)))
        t.ok([...stored.values()].every(text => /^[\x21-\x7e]*$/.test(text)))
        const back = new Map(metadataOf(stored))
        if (JSON.stringify([...back].sort()) !== JSON.stringify([...headers].sort()))
          throw new Error(JSON.stringify([...back]))
      },
    ),
  )
  t.end()
})

t.test('what no header of S3’s can say is counted, and what is not UTF-8 refused', t => {
  const stored = new Map([
    ['x-bz-info-broken', 'a%0Ab'],
    ['x-bz-info-cut', '%'],
    ['x-bz-info-spaced', 'a+b'],
    ['x-bz-info-b2-unknown', 'x'],
    ['cache-control', 'no-store'],
  ])
  t.strictSame(metadataOf(stored), [
    ['x-amz-meta-spaced', 'a b'],
    ['x-amz-missing-meta', '2'],
    ['cache-control', 'no-store'],
  ])
  t.throws(() => infoOf(new Map([['x-amz-meta-a', '\xff']]), 'key', false), {
    code: 'InvalidArgument',
  })
  t.end()
})
