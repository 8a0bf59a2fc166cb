import { close, open } from 'node:inspector'
import t from 'tap'
import { revealing } from '../../lib/commands/debugging.ts'

t.test(
  'options of Node that show what is in memory are told, wherever they were given',
  async t => {
    const options = [
      '--inspect',
      '--inspect-brk=0',
      '--heapsnapshot-signal=SIGUSR2',
      '--heapsnapshot-near-heap-limit=1',
      '--heap-prof',
      '--report-on-signal',
      '--report-on-fatalerror',
      '--report-uncaught-exception',
      '--abort-on-uncaught-exception',
    ]
    t.strictSame(revealing(options, undefined), options)
    t.strictSame(revealing([], `${options.join(' ')} --import=x`), options)
    t.strictSame(revealing(['--inspect'], '"--heap-prof"'), ['--inspect', '--heap-prof'])
  },
)

t.test('others are not', async t => {
  const harmless = ['--inspect-port=0', '--inspect-publish-uid=http', '--report-exclude-network']
  t.strictSame(revealing([...harmless, '--enable-source-maps'], harmless.join(' ')), [])
  t.strictSame(revealing([], undefined), [])
})

t.test('a debugger that listens is told, whoever opened it', async t => {
  open(0, '127.0.0.1')
  t.teardown(close)
  t.match(revealing([], undefined), [/^a debugger on 127\.0\.0\.1:\d+$/])
})
