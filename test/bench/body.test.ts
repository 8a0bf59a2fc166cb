import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { bodyHash, bodySlices, sendMessage } from '../../bench/ends/body.ts'
import { objectPath, parseObjectPath } from '../../bench/ends/object.ts'
import { createBrake } from '../../bench/ends/pace.ts'

const sent = async (
  t: Test,
  head: string,
  size: number,
): Promise<{ readonly head: string; readonly body: Buffer }> => {
  const server = createServer(socket => {
    void sendMessage(socket, head, bodySlices(0, size), { burst: 500_000, pause: 1 }).then(() =>
      socket.end(),
    )
  })
  server.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const bytes = Buffer.concat(await socket.toArray())
  return { head: bytes.toString('latin1', 0, head.length), body: bytes.subarray(head.length) }
}

t.test('what is sent is what the hash says, at and around the block of the pattern', async t => {
  const sizes = [0, 1, 262_138, 262_139, 262_140, 1_000_003]
  for (const size of sizes) {
    const { head, body } = await sent(t, 'head\r\n\r\n', size)
    t.equal(head, 'head\r\n\r\n')
    t.equal(body.length, size)
    t.equal(createHash('sha256').update(body).digest('hex'), bodyHash(size), `${size} bytes`)
  }
})

t.test('the pattern does not repeat where buffers do', async t => {
  const { body } = await sent(t, '', 2 ** 21)
  for (const period of [2 ** 14, 2 ** 16, 2 ** 18, 2 ** 20]) {
    const [first, second] = [body.subarray(0, period), body.subarray(period, 2 * period)]
    t.not(Buffer.compare(first, second), 0, `${period} bytes`)
  }
})

t.test('a brake rests after each burst', async t => {
  const brake = createBrake({ burst: 10, pause: 7 })
  t.strictSame([4, 4, 4, 4, 4, 1].map(brake), [0, 0, 7, 0, 7, 0])
  t.equal(createBrake(undefined)(1e9), 0)
})

t.test('an object says in its path what it is', async t => {
  for (const manner of ['plain', 'hashed', 'stalling'] as const) {
    const object = { manner, size: 5 * 2 ** 30 }
    t.strictSame(parseObjectPath(objectPath(object, 3)), object)
  }
  t.equal(parseObjectPath('/bench/other/1/2'), undefined)
  t.equal(parseObjectPath('/favicon.ico'), undefined)
})
