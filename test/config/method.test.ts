import t from 'tap'
import { assembleRule } from '../../lib/config/assemble/rule.ts'
import { rule } from '../../lib/config/schema/rule.ts'

const parse = (value: unknown) => rule.safeParse(value)

t.test('a rule may have the provider’s own method', async t => {
  for (const [encrypt, method] of [
    [
      { sse: 'kms', keyId: 'key-1' },
      { sse: 'kms', keyId: 'key-1' },
    ],
    [{ sse: 's3' }, { sse: 's3' }],
  ]) {
    const { data } = parse({ name: 'a', encrypt, onUnconfirmed: 'keep' })
    t.strictSame(data && assembleRule(data).effect, {
      kind: 'provider',
      method,
      plaintextReads: 'deny',
      conflicts: 'remove',
      onUnconfirmed: 'keep',
    })
  }
})

t.test('what has no meaning with it is a fault', async t => {
  const faults: readonly [encrypt: object, options: object, message: string][] = [
    [{}, {}, 'exactly one of keyring, sse'],
    [{ keyring: 'main', sse: 's3' }, {}, 'exactly one of keyring, sse'],
    [{ sse: 's3', keyId: 'k' }, {}, 'only with sse: kms'],
    [{ sse: 'kms', keyId: 'alias/main' }, {}, 'not an alias'],
    [{ sse: 's3' }, { clientKeys: 'accept' }, 'only with a keyring'],
    [{ sse: 's3' }, { etag: 'mark' }, 'only with a keyring'],
  ]
  for (const [encrypt, options, message] of faults) {
    const { error } = parse({ name: 'a', encrypt, ...options })
    t.match(error?.issues.map(issue => issue.message).join(' '), message)
  }
})
