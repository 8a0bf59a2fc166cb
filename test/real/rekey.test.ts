import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { testAtEach } from './at-site.ts'
import { masterKey, type Site, startCommand, writeKeyring } from './proxy.ts'

/** Objects, besides one in parts; `REAL_REKEY_OBJECTS=20000` for the full figure. */
const OBJECTS = Number(process.env['REAL_REKEY_OBJECTS'] ?? 400)

/** How often it is killed before it may come to its end. */
const KILLS = Number(process.env['REAL_REKEY_KILLS'] ?? 6)

const PART = 5 * 1024 * 1024
const BIG = 'big/object'

/** How many writes of others come in between. */
const OTHERS = 40

const [V1, V2] = [masterKey('v1'), masterKey('v2')] as const

const nameOf = (i: number): string => `small/${i % 7}/${String(i).padStart(6, '0')} ü+`

const bodyOf = (i: number): Buffer => Buffer.from(`object ${i} `.repeat(1 + (i % 50)))

const inParallel = async (count: number, work: (i: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await work(i)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}

const storeBig = async ({ provider, bucket }: Site): Promise<Buffer> => {
  const place = { bucket, objectKey: BIG }
  const parts = [randomBytes(PART), randomBytes(1000)]
  const uploadId = await provider.createUpload(place)
  const etags: string[] = []
  for (const [index, body] of parts.entries()) {
    const query = { uploadId, partNumber: String(index + 1) }
    const { headers } = await provider.demand({ method: 'PUT', ...place, query, body })
    etags.push(String(headers['etag']))
  }
  const xml = etags.map(
    (etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
  )
  const body = Buffer.from(`<CompleteMultipartUpload>${xml.join('')}</CompleteMultipartUpload>`)
  await provider.demand({ method: 'POST', ...place, query: { uploadId }, body })
  return Buffer.concat(parts)
}

const fill = async ({ provider, bucket }: Site): Promise<void> => {
  await inParallel(OBJECTS, i =>
    provider.store({ bucket, objectKey: nameOf(i) }, bodyOf(i), i % 2 === 0 ? undefined : V1),
  )
}

/** Others overwrite objects while rekey runs; what they wrote last must stay. */
const startOthers = ({ provider, bucket }: Site) => {
  const written = new Map<string, Buffer>()
  let isOver = false
  const go = async (): Promise<void> => {
    for (let n = 0; n < OTHERS && !isOver; n++) {
      const objectKey = nameOf(Math.floor(Math.random() * OBJECTS))
      const body = Buffer.from(`others wrote this, ${n}`)
      written.set(objectKey, body)
      await provider.store({ bucket, objectKey }, body)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
  const done = go()
  return {
    stop: async (): Promise<ReadonlyMap<string, Buffer>> => {
      isOver = true
      await done
      return written
    },
  }
}

const WORDS = ['--ledger', 'ledger.json', '--concurrency', '8']

const runKilled = async (t: Test, site: Site): Promise<void> => {
  const words = ['rekey', `s3://${site.bucket}`, ...WORDS]
  let killed = 0
  for (let i = 0; i < KILLS; i++) {
    const { child, outcome } = startCommand(site, words)
    const timer = setTimeout(() => child.kill('SIGKILL'), 700 + Math.random() * 2500)
    const { code } = await outcome
    clearTimeout(timer)
    if (code === null) killed += 1
  }
  t.ok(killed > 0, `killed ${killed} times`)
  const started = performance.now()
  const { code, err, out } = await startCommand(site, words).outcome
  t.equal(code, 0, `${out}${err}`)
  t.comment(`the last run took ${Math.round(performance.now() - started)} ms: ${out}`)
}

const checkAll = async (
  t: Test,
  { provider, bucket }: Site,
  others: ReadonlyMap<string, Buffer>,
  big: Buffer,
): Promise<void> => {
  const wrong: string[] = []
  const check = async (objectKey: string, body: Buffer): Promise<void> => {
    const { status, body: got } = await provider.read({ bucket, objectKey }, V2)
    if (status !== 200 || !got.equals(body)) wrong.push(`${objectKey}: ${status}`)
    const without = await provider.read({ bucket, objectKey })
    if (without.status < 400) wrong.push(`${objectKey} is read without key`)
  }
  await inParallel(OBJECTS, i => check(nameOf(i), others.get(nameOf(i)) ?? bodyOf(i)))
  await check(BIG, big)
  t.strictSame(wrong, [], 'every object has its bytes, under the newest key alone')
  t.strictSame(await provider.listUploads(bucket).then(ids => ids.length <= KILLS * 8), true)
}

await testAtEach(['rgw-tls', 'minio'], async (t, site) => {
  await site.provider.createBucket(site.bucket)
  await fill(site)
  const big = await storeBig(site)
  await writeKeyring(site, ['v2', 'v1'])
  const others = startOthers(site)
  await t.test('killed at random points and started again, it finishes', t => runKilled(t, site))
  const written = await others.stop()
  // What others wrote behind it, in plaintext, is for the next run.
  const { code } = await startCommand(site, ['rekey', `s3://${site.bucket}`]).outcome
  t.equal(code, 0)
  await t.test('nothing is lost, and nobody overwritten', t => checkAll(t, site, written, big))
  const audit = await startCommand(site, ['audit', `s3://${site.bucket}`, '--newest']).outcome
  t.equal(audit.code, 0, audit.out)
  t.match(audit.out, /^100\.00 % as the rules say$/m)
})
