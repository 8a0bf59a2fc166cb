import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { findFreePort, untilListening } from './servers/ports.ts'

// The proxy as it was built, with several workers, while signals come and workers crash.

const PROGRAM = fileURLToPath(new URL('../../dist/bin/ssec-proxy.js', import.meta.url))

/** Waits for `isSo`, for 30 seconds. */
const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 600; tries++) {
    if (await isSo()) return
    await setTimeout(50)
  }
  throw new Error(`${what}: not within 30 seconds`)
}

/** Asks once, on a connection of its own. */
const ask = (port: number): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port, path: '/bucket/object', agent: false } as const
    const request = get(target, answer => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode)).once('error', reject)
    })
    request.once('error', reject)
  })

/** Asks again and again until told to stop, and keeps what went wrong. */
const askOn = (port: number) => {
  const faults: string[] = []
  let isOver = false
  let asked = 0
  const loop = async (): Promise<void> => {
    while (!isOver) {
      asked += 1
      const status = await ask(port).catch((fault: Error) => fault.message)
      if (status !== 200) faults.push(String(status))
      await setTimeout(2)
    }
  }
  const loops = [loop(), loop(), loop(), loop()]
  return async (): Promise<{ readonly asked: number; readonly faults: readonly string[] }> => {
    isOver = true
    await Promise.all(loops)
    return { asked, faults }
  }
}

const startUpstream = async (t: Test): Promise<number> => {
  const server = createServer((_, answer) => answer.end('bytes')).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const childrenOf = async ({ pid }: ChildProcess): Promise<readonly string[]> => {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return children.trim().split(' ').filter(Boolean)
}

const configOf = (port: number, adminPort: number, upstreamPort: number): object => ({
  listen: [{ host: '127.0.0.1', port }],
  admin: { port: adminPort },
  upstreams: {
    main: {
      provider: 'generic',
      endpoint: `http://127.0.0.1:${upstreamPort}`,
      region: 'us-east-1',
      credentials: { env: 'WORKERS_TEST' },
    },
  },
  clients: [{ name: 'app', trusted: 'loopback', upstream: 'main' }],
  rules: [{ name: 'all', passthrough: true }],
})

t.test('two workers, through reloads and a crash', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'ssec-proxy-workers-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'config.yaml')
  const port = await findFreePort()
  const adminPort = await findFreePort()
  const config = JSON.stringify(configOf(port, adminPort, await startUpstream(t)))
  await writeFile(path, config)
  const proxy = spawn(process.execPath, [PROGRAM, 'serve', '--workers', '2', '--config', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      WORKERS_TEST_ACCESS_KEY_ID: 'UP',
      WORKERS_TEST_SECRET_ACCESS_KEY: 'upstream-secret',
    },
  })
  t.teardown(() => proxy.kill('SIGKILL'))
  let log = ''
  proxy.stdout.on('data', bytes => {
    log += String(bytes)
  })
  const hasSaid = (message: string) => async (): Promise<boolean> => log.includes(`"${message}"`)
  await untilListening(port)
  await until('serving', hasSaid('serving'))
  const first = await childrenOf(proxy)
  t.equal(first.length, 2)

  await t.test('operators see the sum of both', async t => {
    for (let i = 0; i < 10; i++) t.equal(await ask(port), 200)
    const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()
    t.match(metrics, /ssec_proxy_requests_total\{.*operation="GetObject",status="200"\} 10\n/)
    t.match(metrics, /^process_cpu_seconds_total [0-9.]+$/m)
    const page = await (await fetch(`http://127.0.0.1:${adminPort}/`)).text()
    t.match(page, `http://127.0.0.1:${port}`)
    t.equal((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status, 200)
  })

  await t.test('a reload replaces both, and refuses no connection', async t => {
    const stop = askOn(port)
    proxy.kill('SIGHUP')
    await until('reloaded', hasSaid('reloaded'))
    await until('the old ones gone', async () =>
      (await childrenOf(proxy)).every(pid => !first.includes(pid)),
    )
    const { asked, faults } = await stop()
    t.strictSame(faults, [])
    t.ok(asked > 20)
    t.equal((await childrenOf(proxy)).length, 2)
  })

  await t.test('a faulty configuration leaves them as they are', async t => {
    const before = await childrenOf(proxy)
    await writeFile(path, config.replace('passthrough', 'passtrough'))
    proxy.kill('SIGHUP')
    await until('refused', hasSaid('not reloaded: the configuration before stays in force'))
    t.strictSame(await childrenOf(proxy), before)
    t.equal(await ask(port), 200)
    await writeFile(path, config)
  })

  await t.test('a worker that is killed is replaced', async t => {
    const [killed = '', other = ''] = await childrenOf(proxy)
    process.kill(Number(killed), 'SIGKILL')
    await until('replaced', async () => {
      const now = await childrenOf(proxy)
      return now.length === 2 && !now.includes(killed)
    })
    t.ok((await childrenOf(proxy)).includes(other))
    t.equal(await ask(port), 200)
  })

  await t.test('SIGTERM ends all', async t => {
    const workers = await childrenOf(proxy)
    proxy.kill('SIGTERM')
    const [code] = await once(proxy, 'exit')
    t.equal(code, 0)
    for (const pid of workers) t.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' })
  })
})
