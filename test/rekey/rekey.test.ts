import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  BUCKET,
  type BulkStage,
  bytesOf,
  keyText,
  startBulkStage,
  tripleOf,
} from '../support/bulk.ts'

const read = (stage: BulkStage, objectKey: string, key?: string) =>
  stage.direct({
    path: `/${BUCKET}/${encodeURI(objectKey)}`,
    headers: key === undefined ? {} : tripleOf(key),
  })

const checkUnder = async (
  t: Test,
  stage: BulkStage,
  objectKey: string,
  key: string | undefined,
  body: Buffer,
): Promise<void> => {
  const got = await read(stage, objectKey, key)
  t.equal(got.status, 200, `${objectKey} under ${key}`)
  t.ok(got.body.equals(body), `${objectKey} has its bytes`)
  if (key !== undefined) t.equal((await read(stage, objectKey)).status, 400, 'and not without key')
}

/**
 * Whose objects under old keys the embedded upstream can play: it wants another key when an upload is completed than MinIO,
 * and has no copies with keys at Ceph's. `test/real/rekey.test.ts` has them.
 */
const OLD_KEYS: readonly string[] = ['embedded', 'generic']

/** Each goes another way: the provider copies, by parts with a condition, by a conditional PUT, unconditionally. */
const PROFILES = ['embedded', 'minio', 'ceph', 'generic'] as const

/** How each writes an empty object, and others. */
const WAYS: Readonly<Record<string, readonly [empty: string, others: string]>> = {
  embedded: ['provider', 'provider'],
  minio: ['provider', 'streamed'],
  ceph: ['streamed', 'streamed'],
  generic: ['provider', 'provider'],
}

const BODIES: ReadonlyMap<string, Buffer> = new Map(
  [0, 1, 1000, 2 * 1024 * 1024].map(size => [`size ${size} ü+&`, bytesOf(size, `size ${size}`)]),
)

for (const provider of PROFILES) {
  t.test(`plaintext and old keys become the newest (profile ${provider})`, async t => {
    const stage = await startBulkStage(t, { provider })
    for (const [name, body] of BODIES) {
      await stage.store(`plain/${name}`, body)
      if (OLD_KEYS.includes(provider)) await stage.store(`old/${name}`, body, 'v1')
      await stage.store(`new/${name}`, body, 'v2')
    }
    const { code, out, err } = await stage.run('rekey', 's3://data', '--verify', 'full')
    t.equal(code, 0, err)
    t.match(out, new RegExp(`^rewritten +${OLD_KEYS.includes(provider) ? 8 : 4} `, 'm'))
    t.match(out, /^kept +4 /m)
    for (const folder of OLD_KEYS.includes(provider) ? ['plain', 'old', 'new'] : ['plain', 'new']) {
      for (const [name, body] of BODIES) {
        await checkUnder(t, stage, `${folder}/${name}`, 'v2', body)
      }
    }
    const again = await stage.run('rekey', 's3://data')
    t.notMatch(again.out, /rewritten/, 'a second run has nothing to do')
    t.equal((await stage.run('audit', 's3://data', '--newest')).code, 0)
  })
}

t.test('each goes the way that its profile says, by the length of the object', async t => {
  for (const [provider, ways] of Object.entries(WAYS)) {
    const stage = await startBulkStage(t, { provider })
    await stage.store('empty', '')
    await stage.store('other', 'x')
    const { out } = await stage.run('rekey', 's3://data', '--dry-run', '--json')
    const lines = out.trim().split('\n').slice(0, -1)
    t.strictSame(
      lines.map(line => JSON.parse(line).way),
      ways,
      provider,
    )
  }
})

t.test('metadata, content headers and tags stay', async t => {
  for (const provider of PROFILES) {
    const stage = await startBulkStage(t, { provider })
    const headers = {
      'content-type': 'text/x-test',
      'content-language': 'de',
      'cache-control': 'no-store',
      'x-amz-meta-colour': 'blue',
      'x-amz-tagging': 'a=1&b=2',
      'x-amz-storage-class': 'STANDARD_IA',
    }
    await stage.store('a', 'body', undefined, headers)
    t.equal((await stage.run('rekey', 's3://data')).code, 0)
    const { headers: got } = await read(stage, 'a', 'v2')
    t.match(
      got,
      {
        'content-type': 'text/x-test',
        'content-language': 'de',
        'cache-control': 'no-store',
        'x-amz-meta-colour': 'blue',
        'x-amz-storage-class': 'STANDARD_IA',
        'x-amz-tagging-count': '2',
      },
      provider,
    )
  }
})

t.test('a dry run changes nothing and tells what it would cost', async t => {
  const stage = await startBulkStage(t)
  await stage.store('a', 'plain')
  await stage.store('b', 'old', 'v1')
  const { code, out } = await stage.run('rekey', 's3://data', '--dry-run')
  t.equal(code, 0)
  t.match(out, /^to rewrite +2 +8 B$/m)
  t.match(out, /about 4 requests more/)
  t.equal((await read(stage, 'a')).text, 'plain')
  t.equal((await read(stage, 'b', 'v1')).text, 'old')
})

t.test("another tool's objects are taken over with its key file", async t => {
  const stage = await startBulkStage(t)
  await stage.store('a', 'theirs', 'other tool')
  const without = await stage.run('rekey', 's3://data')
  t.equal(without.code, 3)
  t.match(without.err, /a: no key opens it/)
  writeFileSync(join(stage.folder, 'their.key'), keyText('other tool'))
  t.equal((await stage.run('rekey', 's3://data', '--from-key-file', 'their.key')).code, 0)
  await checkUnder(t, stage, 'a', 'v2', Buffer.from('theirs'))
  const usage = await stage.run('rekey', 's3://data', '--from-key-file', 'keyring.yaml')
  t.equal(usage.code, 1)
})

t.test('what no rule encrypts is left alone', async t => {
  const stage = await startBulkStage(t)
  await stage.direct({ method: 'PUT', path: '/open' })
  await stage.direct({ method: 'PUT', path: '/open/a', body: 'x' })
  const { code, out } = await stage.run('rekey', 's3://open')
  t.equal(code, 0)
  t.match(out, /^skipped +1 /m)
  t.equal((await stage.direct({ path: '/open/a' })).text, 'x')
})

t.test('what others write meanwhile is never overwritten', async t => {
  for (const provider of PROFILES) {
    const stage = await startBulkStage(t, { provider })
    await stage.store('a', bytesOf(2 * 1024 * 1024, 'first'))
    let isWritten = false
    // Between the look at the object and the write that would replace it.
    stage.faults.add({
      on: ({ method, query }) => {
        const isLast =
          (method === 'PUT' && query.length === 0) || (method === 'POST' && query.length === 1)
        if (!isLast || isWritten) return false
        isWritten = true
        return true
      },
      misbehave: { kind: 'delay', ms: 300 },
    })
    const running = stage.run('rekey', 's3://data')
    while (!isWritten) await new Promise(resolve => setTimeout(resolve, 5))
    await stage.store('a', 'second', 'v2')
    const { code, err } = await running
    t.equal(code, 0, err)
    if (provider !== 'generic') await checkUnder(t, stage, 'a', 'v2', Buffer.from('second'))
  }
})

t.test(
  'a provider that is slow, breaks and denies in the middle costs time and nothing else',
  async t => {
    const stage = await startBulkStage(t)
    const names = Array.from({ length: 60 }, (_, i) => `o/${String(i).padStart(2, '0')}`)
    for (const name of names) await stage.store(name, name)
    stage.faults.add({
      on: 'CopyObject',
      times: 20,
      misbehave: { kind: 'status', status: 503, code: 'SlowDown' },
    })
    const isLate = ({ method, rawPath }: { method: string; rawPath: string }): boolean =>
      method === 'PUT' && rawPath >= `/${BUCKET}/o/30`
    stage.faults.add({
      on: isLate,
      misbehave: { kind: 'status', status: 403, code: 'AccessDenied' },
    })
    const words = ['rekey', 's3://data', '--ledger', 'l.json', '--concurrency', '4']
    const first = await stage.run(...words)
    t.equal(first.code, 2)
    t.match(first.err, /refuses one object after the other.*the same command goes on/)
    stage.faults.clear()
    const second = await stage.run(...words)
    t.equal(second.code, 0, second.err)
    t.match(second.out, /^rewritten +60 /m, 'each one once')
    for (const name of names) await checkUnder(t, stage, name, 'v2', Buffer.from(name))
    t.notOk(readFileSync(join(stage.folder, 'l.json'), 'utf8').includes(keyText('v2')))
  },
)

t.test('single failures are told, and tried again by the next run', async t => {
  const stage = await startBulkStage(t)
  for (const name of ['a', 'b', 'c']) await stage.store(name, name)
  const isB = ({ method, rawPath }: { method: string; rawPath: string }): boolean =>
    method === 'PUT' && rawPath === `/${BUCKET}/b`
  stage.faults.add({ on: isB, misbehave: { kind: 'status', status: 403, code: 'AccessDenied' } })
  const words = ['rekey', 's3://data', '--ledger', 'l.json']
  const first = await stage.run(...words)
  t.equal(first.code, 3)
  t.match(first.err, /^b: 403 AccessDenied/m)
  stage.faults.clear()
  const second = await stage.run(...words)
  t.equal(second.code, 0)
  t.match(second.out, /^rewritten +3 /m)
  await checkUnder(t, stage, 'b', 'v2', Buffer.from('b'))
})
