import t from 'tap'
import { markEtag, unmarkEtags } from '../../lib/s3/etag.ts'

const HEX = 'd41d8cd98f00b204e9800998ecf8427e'

t.test('an ETag of 32 hex digits is marked, in whatever quotes', async t => {
  const forms: readonly (readonly [etag: string, marked: string])[] = [
    [HEX, `${HEX}-0`],
    [`"${HEX}"`, `"${HEX}-0"`],
    [`W/"${HEX}"`, `W/"${HEX}-0"`],
    [`&quot;${HEX}&quot;`, `&quot;${HEX}-0&quot;`],
    [`&#34;${HEX}&#34;`, `&#34;${HEX}-0&#34;`],
    [`&#x22;${HEX}&#x22;`, `&#x22;${HEX}-0&#x22;`],
    [` "${HEX.toUpperCase()}"\n`, ` "${HEX.toUpperCase()}-0"\n`],
  ]
  for (const [etag, marked] of forms) {
    t.equal(markEtag(etag), marked)
    t.equal(markEtag(marked), marked, 'once')
    t.equal(unmarkEtags(marked), etag, 'and back')
    t.equal(unmarkEtags(etag), etag, 'an unmarked one is taken, too')
  }
})

t.test('what is no single-part ETag is left alone', async t => {
  const others = [
    '',
    '""',
    '*',
    `"${HEX}-12"`,
    `"${HEX}0"`,
    `"${HEX.slice(1)}"`,
    `"x${HEX}"`,
    `"${HEX.slice(1)}g"`,
    '"0x8D93B14D4A2F66A"',
    `"${HEX}", "${HEX}"`,
  ]
  for (const etag of others) {
    t.equal(markEtag(etag), etag)
    t.equal(unmarkEtags(etag), etag)
  }
})

t.test('marks are taken off every ETag of a list, and off nothing else', async t => {
  t.equal(
    unmarkEtags(`"${HEX}-0", W/"${HEX}-0","${HEX}-3" , "${HEX}", *`),
    `"${HEX}", W/"${HEX}","${HEX}-3" , "${HEX}", *`,
  )
  for (const etag of [`"${HEX}-01"`, `"${HEX}-0-0"`, `"a${HEX}-0"`, `"x-${HEX}-0"`]) {
    t.equal(unmarkEtags(etag), etag)
  }
})
