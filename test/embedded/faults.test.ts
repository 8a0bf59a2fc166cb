import { Agent, request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { echoIn, echoOf, NO_ECHO, start, triple } from './raw.ts'

const never = async (answer: Promise<unknown>): Promise<boolean> => {
  const late = setTimeout(100, 'late')
  return (await Promise.race([answer.catch(() => 'refused'), late])) === 'late'
}

t.test('ignoring SSE-C: stored and read as plaintext, without an echo', async t => {
  const { ask, faults } = await start(t)
  faults.add({ misbehave: { kind: 'ignoreSseC' } })
  const put = await ask('PUT', '/box/a', triple('k'), 'x')
  t.strictSame([put.status, echoIn(put)], [200, NO_ECHO])
  t.equal((await ask('GET', '/box/a', triple('k'))).text, 'x')
  faults.clear()
  t.equal((await ask('GET', '/box/a')).text, 'x')
})

t.test('a wrong echo: encrypted, and confirmed with another key', async t => {
  const { ask, faults } = await start(t)
  faults.add({ on: 'PutObject', times: 1, misbehave: { kind: 'wrongEcho' } })
  const [algorithm, md5] = echoIn(await ask('PUT', '/box/a', triple('k'), 'x'))
  t.equal(algorithm, 'AES256')
  t.not(md5, echoOf('k')[1])
  t.strictSame(echoIn(await ask('PUT', '/box/b', triple('k'), 'x')), echoOf('k'), 'once')
  t.equal((await ask('GET', '/box/a', triple('k'))).text, 'x')
})

t.test('no answer at all', async t => {
  const { ask, faults } = await start(t)
  const struck = faults.add({ on: 'GetObject', misbehave: { kind: 'stall' } })
  t.ok(await never(ask('GET', '/box/a')))
  t.equal(struck(), 1)
  t.equal((await ask('HEAD', '/box/a')).status, 404, 'others are answered')
})

t.test('an answer that is cut off', async t => {
  const { ask, faults, origin } = await start(t)
  await ask('PUT', '/box/a', triple('k'), Buffer.alloc(300_000))
  faults.add({ on: 'GetObject', misbehave: { kind: 'cut', bytes: 100_000 } })
  const received = await new Promise<number>((resolve, reject) => {
    request(`${origin}/box/a`, { headers: triple('k') }, answer => {
      let length = 0
      answer.on('data', chunk => {
        length += chunk.length
      })
      answer.on('error', () => resolve(length))
      answer.on('end', () => reject(new Error('was not cut')))
    })
      .on('error', reject)
      .end()
  })
  t.equal(received, 100_000)
  faults.add({ on: 'ListObjects', misbehave: { kind: 'cut', bytes: 5 } })
  await t.rejects(ask('GET', '/box'))
})

t.test('an answer before the body', async t => {
  const { ask, faults, origin } = await start(t)
  faults.add({
    on: 'PutObject',
    misbehave: { kind: 'answerEarly', status: 403, code: 'AccessDenied' },
  })
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { 'content-length': '1000000' }
    const outgoing = request(`${origin}/box/a`, { method: 'PUT', headers }, answer => {
      resolve(answer.statusCode)
      outgoing.destroy()
    })
    outgoing.on('error', reject)
    outgoing.write('the rest never comes')
  })
  t.equal(status, 403)
  faults.clear()
  t.equal((await ask('GET', '/box/a')).status, 404)
})

t.test('an answer that was not asked for, behind the body', async t => {
  const { ask, faults } = await start(t)
  faults.add({
    on: 'PutObject',
    times: 2,
    misbehave: { kind: 'status', status: 503, code: 'SlowDown' },
  })
  for (const size of [1, 1_000_000]) {
    const put = await ask('PUT', '/box/a', {}, Buffer.alloc(size))
    t.strictSame([put.status, put.element('Code')], [503, 'SlowDown'])
  }
  faults.add({ misbehave: { kind: 'status', status: 307 } })
  const empty = await ask('PUT', '/box/a', {}, 'x')
  t.strictSame([empty.status, empty.text], [307, ''])
})

/** Sends over one kept connection; gives the answer's status, or the error's code. */
const over = (agent: Agent, url: string): Promise<unknown> =>
  new Promise(resolve => {
    request(url, { agent }, answer => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode))
    })
      .on('error', error => resolve('code' in error ? error.code : error))
      .end()
  })

t.test('a connection that is not to be used again', async t => {
  const { faults, origin } = await start(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  faults.add({ misbehave: { kind: 'refuseConnectionReuse' } })
  t.equal(await over(agent, `${origin}/box`), 200)
  t.equal(await over(agent, `${origin}/box`), 'ECONNRESET')
  t.equal(await over(agent, `${origin}/box`), 200)
})

t.test('a connection that is closed without a word', async t => {
  const { faults, origin } = await start(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const struck = faults.add({ misbehave: { kind: 'closeAfter' } })
  const closed = new Promise(resolve => {
    request(`${origin}/box`, { agent }, answer => {
      t.not(answer.headers.connection, 'close')
      answer.socket.once('close', resolve)
      answer.resume()
    }).end()
  })
  await closed
  t.equal(struck(), 1)
})

t.test('delays add to other faults, and a predicate chooses', async t => {
  const { ask, faults } = await start(t)
  const on = ({ method, rawPath }: { method: string; rawPath: string }) =>
    method === 'GET' && rawPath.endsWith('/slow')
  faults.add({ on, misbehave: { kind: 'delay', ms: 60 } })
  faults.add({ on, misbehave: { kind: 'status', status: 500, code: 'InternalError' } })
  const started = performance.now()
  t.equal((await ask('GET', '/box/slow')).status, 500)
  t.ok(performance.now() - started >= 55)
  t.equal((await ask('GET', '/box/fast')).status, 404)
})
