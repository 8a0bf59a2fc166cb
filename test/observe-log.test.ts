import t from 'tap'
import { createLog } from '../lib/observe/log.ts'

t.test('a log is opened for the one process, and for each of several', async t => {
  for (const worker of [undefined, '1']) t.equal(createLog('error', worker).level, 'error')
})
