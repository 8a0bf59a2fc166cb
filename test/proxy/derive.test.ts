import t from 'tap'
import type { Derive } from '../../lib/keys/derive.ts'
import { deriveKey } from '../../lib/keys/derive.ts'
import { RULES, startStage, textOf, tripleOf } from '../copy/stage.ts'
import { type Received, send } from '../support/client.ts'
import { derivingKeyring, keyBytes, keyring } from '../support/proxy.ts'

const ABILITIES = ['full', 'same-key-parts', 'none'] as const

/** Keyrings whose newest version is the same for every place, and the keys are not. */
const deriving = (derive: Derive) => [
  derivingKeyring(derive, 'main', 'v2', 'v1'),
  keyring('other', 'w1'),
]

const keyAt = (path: string, version = 'main/v2'): Buffer => {
  const [, bucket = '', ...rest] = path.split('/')
  return deriveKey(keyBytes(version), 'object', { bucket, objectKey: rest.join('/') })
}

const put = (origin: string, path: string, body: string): Promise<Received> =>
  send(origin, { method: 'PUT', path, body })

t.test('each object has a key of its own, and none reads another', async t => {
  const stage = await startStage(t)
  const proxy = await stage.proxy({ keyrings: deriving('object') })
  for (const path of ['/main/a', '/main/b'])
    t.equal((await put(proxy.origin, path, path)).status, 200)
  const read = (path: string, key: Buffer) => stage.direct({ path, headers: tripleOf(key) })
  t.equal((await read('/main/a', keyAt('/main/a'))).text, '/main/a')
  t.equal((await read('/main/a', keyAt('/main/b'))).status, 403)
  t.equal((await read('/main/a', keyBytes('main/v2'))).status, 403, 'nor the master')
  t.equal((await send(proxy.origin, { path: '/main/a' })).text, '/main/a')
})

t.test('a copy under one version reads with one key and writes with another', async t => {
  const stage = await startStage(t)
  for (const copy of ABILITIES) {
    const proxy = await stage.proxy({ keyrings: deriving('object'), copy })
    await put(proxy.origin, '/main/a', 'bytes')
    const headers = { 'x-amz-copy-source': '/main/a' }
    const path = `/main/copy-${copy}`
    t.equal((await send(proxy.origin, { method: 'PUT', path, headers })).status, 200, copy)
    t.equal((await stage.direct({ path, headers: tripleOf(keyAt(path)) })).text, 'bytes', copy)
    t.equal((await stage.direct({ path, headers: tripleOf(keyAt('/main/a')) })).status, 403, copy)
  }
})

t.test('an upload with a copied part ends under its own object’s key', async t => {
  const stage = await startStage(t)
  for (const copy of ABILITIES) {
    const proxy = await stage.proxy({ keyrings: deriving('object'), copy })
    await put(proxy.origin, '/main/a', 'bytes')
    const path = `/main/parts-${copy}`
    const created = await send(proxy.origin, { method: 'POST', path, query: { uploads: '' } })
    const uploadId = textOf(created, 'UploadId') ?? ''
    const part = await send(proxy.origin, {
      method: 'PUT',
      path,
      query: { partNumber: '1', uploadId },
      headers: { 'x-amz-copy-source': '/main/a' },
    })
    t.equal(part.status, 200, copy)
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${textOf(part, 'ETag')}</ETag></Part></CompleteMultipartUpload>`
    const done = await send(proxy.origin, { method: 'POST', path, query: { uploadId }, body })
    t.equal(done.status, 200, copy)
    t.equal((await stage.direct({ path, headers: tripleOf(keyAt(path)) })).text, 'bytes', copy)
  }
})

t.test('old versions are read with the keys that they derive', async t => {
  const stage = await startStage(t)
  await stage.direct({
    method: 'PUT',
    path: '/main/old',
    body: 'old',
    headers: tripleOf(keyAt('/main/old', 'main/v1')),
  })
  const proxy = await stage.proxy({ keyrings: deriving('object'), rules: RULES })
  for (const attempts of [2, 1]) {
    t.equal((await send(proxy.origin, { path: '/main/old' })).text, 'old')
    t.match(proxy.lines.at(-1), { keyVersion: 'main/v1', attempts })
  }
})
