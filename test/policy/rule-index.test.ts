import fc from 'fast-check'
import t from 'tap'
import { compileGlob } from '../../lib/policy/glob.ts'
import type { RuleMatch } from '../../lib/policy/rule.ts'
import { RuleIndex } from '../../lib/policy/rule-index.ts'

const anyName = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 5 })
const anyGlob = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*', '?'), maxLength: 5 })
const anyClients = fc.array(fc.constantFrom('one', 'two', 'three'), { minLength: 1, maxLength: 2 })

const anyMatch: fc.Arbitrary<RuleMatch> = fc.record({
  clients: fc.option(anyClients, { nil: undefined }),
  buckets: fc.option(fc.array(anyGlob, { minLength: 1, maxLength: 3 }), { nil: undefined }),
})

const holds = ({ clients, buckets }: RuleMatch, client: string, bucket: string): boolean =>
  (clients?.includes(client) ?? true) && (buckets?.some(glob => compileGlob(glob)(bucket)) ?? true)

t.test('property: it finds the first that matches, as if each were asked', async () => {
  fc.assert(
    fc.property(
      fc.array(anyMatch, { maxLength: 12 }),
      fc.constantFrom('one', 'two', 'none'),
      anyName,
      (matches, client, bucket) => {
        const index = new RuleIndex(matches.map((match, at) => [match, { match, at }] as const))
        const found = index.first({ client, bucket }, ({ match }) => holds(match, client, bucket))
        const first = matches.findIndex(match => holds(match, client, bucket))
        return (found?.at ?? -1) === first
      },
    ),
    { numRuns: 5000 },
  )
})

t.test('a rule of any bucket is found where no bucket is named', async t => {
  const index = new RuleIndex([
    [{ buckets: ['a*'] }, 'some'],
    [{ buckets: ['*'] }, 'all'],
    [{}, 'open'],
  ])
  const asked: string[] = []
  index.first({ client: 'one' }, value => asked.push(value) > 10)
  t.strictSame(asked, ['all', 'open'])
})

t.test('as many rules are asked among ten thousand tenants as among ten', async t => {
  const asked = (tenants: number): number => {
    const index = new RuleIndex(
      Array.from({ length: tenants }, (_, i) => {
        const name = `tenant-${String(i).padStart(5, '0')}`
        return [{ clients: [name], buckets: [`${name}-*`, name] }, name] as const
      }),
    )
    let count = 0
    const isSought = (name: string): boolean => {
      count += 1
      return name === 'tenant-00007'
    }
    const where = { client: 'tenant-00007', bucket: 'tenant-00007-logs' }
    t.equal(index.first(where, isSought), 'tenant-00007')
    return count
  }
  t.equal(asked(10), 1)
  t.equal(asked(10_000), 1)
})
