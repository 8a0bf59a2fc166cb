import t from 'tap'
import { startEmbedded } from '../../lib/embedded/server.ts'
import { behaviours } from '../real/embedded-behaviours.ts'

const embedded = await startEmbedded({ path: t.testdir(), host: '127.0.0.1', port: 0 })
t.teardown(() => embedded.close())

const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }

for (const { name, run } of behaviours) {
  t.test(name, async t => {
    await run({ endpoint: embedded.origin, credentials })
    t.pass('behaved')
  })
}
