import type { Test } from 'tap'
import { sameBytes } from '../matrix/step.ts'
import type { Scene, ToolStep } from './scene.ts'

/** MinIO takes the key with an empty object whose name ends in `/`, and gives its no bytes to anybody. */
const isOpenMarker = ({ site }: Scene, objectKey: string): boolean =>
  site.upstream === 'minio' && objectKey.endsWith('/')

const checkObject = async (t: Test, scene: Scene, objectKey: string): Promise<void> => {
  const { provider, bucket, key, stored } = scene
  const place = { bucket, objectKey }
  const { status, body } = await provider.read(place)
  if (isOpenMarker(scene, objectKey)) t.equal(body.length, 0, `holds nothing: ${objectKey}`)
  else t.equal(status, 400, `refused without a key: ${objectKey}`)
  const opened = await provider.read(place, key)
  t.equal(opened.status, 200, `read with the key: ${objectKey}`)
  const wanted = stored.get(objectKey)
  if (wanted !== undefined) sameBytes(t, opened.body, wanted, `as it was stored: ${objectKey}`)
}

/** Asks the provider itself for every object of the bucket: without the key it must refuse each. */
export const encryptedAtRest: ToolStep = [
  'has left nothing in plaintext at the provider',
  async (t, scene) => {
    const { provider, bucket, stored } = scene
    const objectKeys = await provider.list(bucket)
    t.not(objectKeys.length, 0, 'something was stored')
    for (const objectKey of stored.keys()) t.ok(objectKeys.includes(objectKey), objectKey)
    for (const objectKey of objectKeys) await checkObject(t, scene, objectKey)
    t.strictSame(await provider.listUploads(bucket), [], 'no upload was left unfinished')
  },
]
