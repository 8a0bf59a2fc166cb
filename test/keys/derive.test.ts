import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { DERIVATIONS, type Derive } from '../../lib/keys/derive.ts'
import { createKeyring } from '../../lib/keys/keyring.ts'
import type { ObjectPlace } from '../../lib/s3/address.ts'
import { Secret } from '../../lib/s3/secret.ts'

const MASTER = Buffer.from(Array.from({ length: 32 }, (_, i) => i))

const keysAt = (derive: Derive, place: ObjectPlace): string[] =>
  createKeyring('main', [{ id: 'v1', createdAt: undefined, master: new Secret(MASTER) }], derive)
    .keysFor(place)
    .map(key => key.base64.expose())

const manual = join(import.meta.dirname, '../../docs/keys.md')

/** The rows of the manual's table of test vectors. */
const vectors = async (): Promise<readonly (readonly [Derive, string, string, string])[]> => {
  const rows = (await readFile(manual, 'utf8')).matchAll(
    /^\| `(none|bucket|object)` \| `([^`]*)` \| `([^`]*)` \| `([^`]*)` \|$/gm,
  )
  return [...rows].map(([, derive, bucket = '', objectKey = '', key = '']) => [
    DERIVATIONS.find(each => each === derive) ?? 'none',
    bucket,
    objectKey,
    key,
  ])
}

t.test('the manual’s test vectors hold', async t => {
  const rows = await vectors()
  t.equal(rows.length, 6)
  for (const [derive, bucket, objectKey, key] of rows) {
    t.strictSame(keysAt(derive, { bucket, objectKey }), [key], `${derive} ${bucket}/${objectKey}`)
  }
})

t.test('the manual’s reader in Python finds the same keys, with nothing of ours', async t => {
  const reader = join(import.meta.dirname, 'customer_key.py')
  t.ok((await readFile(manual, 'utf8')).includes(await readFile(reader, 'utf8')), 'as printed')
  for (const [derive, bucket, objectKey, key] of await vectors()) {
    const args = [reader, MASTER.toString('base64'), derive, bucket, objectKey]
    const { stdout } = await promisify(execFile)('python3', args)
    t.equal(stdout.trim(), key, `${derive} ${bucket}/${objectKey}`)
  }
})

t.test('no two places share a key unless they shall', async t => {
  const places = ['a/b/c', 'a/b/d', 'ab/c', 'a/bc'].map(text => {
    const [bucket = '', ...rest] = text.split('/')
    return { bucket, objectKey: rest.join('/') }
  })
  const different = (derive: Derive): number =>
    new Set(places.flatMap(place => keysAt(derive, place))).size
  t.strictSame(DERIVATIONS.map(different), [1, 2, 4])
})

t.test('a version may say how its keys are made, against the keyring', async t => {
  const version = (id: string, derive?: Derive) => ({
    id,
    createdAt: undefined,
    master: new Secret(MASTER),
    derive,
  })
  const keyring = createKeyring('main', [version('v2', 'object'), version('v1')], 'none')
  const place = { bucket: 'b', objectKey: 'k' }
  const keys = keyring.keysFor(place).map(key => [key.version, key.base64.expose()])
  t.strictSame(keys, [
    ['v2', ...keysAt('object', place)],
    ['v1', MASTER.toString('base64')],
  ])
  t.equal(keyring.keysFor({ ...place }), keyring.keysFor(place), 'made once')
})

t.test('a keyring keeps the keys of so many places and no more', async t => {
  const keyring = createKeyring(
    'main',
    [{ id: 'v1', createdAt: undefined, master: new Secret(MASTER) }],
    'object',
  )
  const first = keyring.keysFor({ bucket: 'b', objectKey: 'first' })
  for (let i = 0; i < 10_000; i++) keyring.keysFor({ bucket: 'b', objectKey: String(i) })
  const again = keyring.keysFor({ bucket: 'b', objectKey: 'first' })
  t.not(again, first)
  t.equal(again[0].md5, first[0].md5)
})
