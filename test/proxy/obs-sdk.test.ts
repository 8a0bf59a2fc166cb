import t from 'tap'
import { startEmbedded } from '../../lib/embedded/server.ts'
import { uriEncodeKey } from '../../lib/s3/encoding.ts'
import { sendRaw } from '../support/client.ts'
import { createObsClient, modeName, OBS_MODES } from '../support/obs-client.ts'
import { playObsScenario } from '../support/obs-scenario.ts'
import { APP, APP_CLIENT, startProxy } from '../support/proxy.ts'

/* Huawei's own SDK, which knows nothing of SSE-C, in every mode that it has. */

for (const mode of OBS_MODES) {
  t.test(modeName(mode), async t => {
    const embedded = await startEmbedded({ path: t.testdir(), host: '127.0.0.1', port: 0 })
    t.teardown(() => embedded.close())
    const proxy = await startProxy(t, {
      upstream: embedded.origin,
      provider: 'embedded',
      domains: ['localhost'],
      limits: { documentBytes: 8 * 1024 * 1024 },
      clients: [
        {
          ...APP_CLIENT,
          proof: { ...APP_CLIENT.proof, schemes: ['v4', 'v2', 'obs'] } as typeof APP_CLIENT.proof,
        },
      ],
    })
    const sdk = await createObsClient({ port: Number(new URL(proxy.origin).port), ...APP }, mode)
    t.teardown(() => sdk.close())
    const bucket = 'obs-bucket'
    const askProvider = async (objectKey: string): Promise<number> =>
      (await sendRaw(embedded.origin, 'GET', `/${bucket}/${uriEncodeKey(objectKey)}`, {})).status
    await playObsScenario(t, { sdk, bucket, folder: t.testdirName, askProvider })
  })
}
