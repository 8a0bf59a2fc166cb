import t from 'tap'
import { createRequestIds } from '../../lib/listener/request-ids.ts'

t.test('ids have S3’s form, and none comes twice, beyond one draw of randomness too', async t => {
  const nextId = createRequestIds()
  const ids = Array.from({ length: 1000 }, nextId)
  t.ok(ids.every(id => /^[0-9A-F]{16}$/.test(id)))
  t.equal(new Set(ids).size, ids.length)
})

t.test('two listeners give different ids', async t => {
  t.not(createRequestIds()(), createRequestIds()())
})
