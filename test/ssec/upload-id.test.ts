import t from 'tap'
import { createKeyring, type Keyring } from '../../lib/keys/keyring.ts'
import { Secret } from '../../lib/s3/secret.ts'
import { openUploadId, sealUploadId } from '../../lib/ssec/upload-id.ts'

const PLACE = { bucket: 'photos', objectKey: 'cat.jpg' }

const keyring = (name: string, byte: number): Keyring =>
  createKeyring(name, [
    { id: 'v1', master: new Secret(Buffer.alloc(32, byte)), createdAt: undefined },
  ])

t.test('no further keyring is asked once one has sealed an id', async t => {
  const [first, second] = [keyring('first', 1), keyring('second', 2)]
  const asked: string[] = []
  function* inTurn() {
    for (const each of [first, second]) {
      asked.push(each.name)
      yield each
    }
  }
  t.equal(openUploadId(inTurn(), PLACE, sealUploadId(first, 'v1', PLACE, 'ID'))?.keyring, first)
  t.strictSame(asked, ['first'])
  t.equal(openUploadId(inTurn(), PLACE, sealUploadId(second, 'v1', PLACE, 'ID'))?.keyring, second)
})

t.test('a subkey is derived once for a version and purpose', async t => {
  const ring = keyring('first', 1)
  const [version] = ring.versions
  if (version === undefined) throw new Error('no version')
  t.equal(ring.subkey(version, 'upload-id'), ring.subkey(version, 'upload-id'))
  t.notSame(ring.subkey(version, 'upload-id'), ring.subkey(version, 'b2/account'))
})
