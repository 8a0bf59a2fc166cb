import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { keepAlive } from '../../lib/response/keep-alive.ts'
import { S3Error } from '../../lib/s3/error.ts'
import type { JournalEntry } from '../../lib/s3/journal.ts'
import { type OperationName, operationNamed } from '../../lib/s3/operation.ts'
import type { S3Response } from '../../lib/s3/response.ts'

const PATIENCE = { silence: 30, interval: 10 }
const PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'
const RESULT = '<CopyObjectResult><ETag>&quot;e&quot;</ETag></CopyObjectResult>'

const asked = (name: OperationName = 'CopyObject') => {
  const entries: JournalEntry[] = []
  const journal = { note: (entry: JournalEntry) => void entries.push(entry) }
  return { id: 'ID', operation: operationNamed(name), rawPath: '/b/k', journal, entries }
}

const answer = (status: number, body: S3Response['body']): S3Response => ({
  status,
  headers: new Map([['x-amz-version-id', 'v1']]),
  body,
})

const after = async <T>(ms: number, value: () => T): Promise<T> => {
  await setTimeout(ms)
  return value()
}

const raise = (error: Error): never => {
  throw error
}

const textOf = async ({ body }: S3Response): Promise<string> =>
  body === undefined || Buffer.isBuffer(body) ? String(body) : (await buffer(body)).toString()

t.test('what comes soon passes as it is, good or bad', async t => {
  const good = answer(200, Buffer.from(RESULT))
  t.equal(await keepAlive(Promise.resolve(good), asked(), PATIENCE), good)
  const bad = Promise.reject(new S3Error('AccessDenied'))
  await t.rejects(keepAlive(bad, asked(), PATIENCE), { code: 'AccessDenied' })
})

t.test('what is no long operation is waited for', async t => {
  const late = after(60, () => answer(404, undefined))
  t.equal((await keepAlive(late, asked('GetObject'), PATIENCE)).status, 404)
})

t.test('after some silence 200 goes ahead, then whitespace, then the document', async t => {
  const bodies: readonly S3Response['body'][] = [
    Buffer.from(PROLOG + RESULT),
    Buffer.from(RESULT),
    // As a provider sends it that was long about it itself.
    Readable.from([Buffer.from(PROLOG), Buffer.from('   '), Buffer.from(RESULT)]),
  ]
  for (const body of bodies) {
    const early = await keepAlive(
      after(100, () => answer(200, body)),
      asked(),
      PATIENCE,
    )
    t.equal(early.status, 200)
    t.strictSame(Object.fromEntries(early.headers), {
      'content-type': 'application/xml',
      'x-amz-request-id': 'ID',
    })
    const text = await textOf(early)
    t.match(text, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n {3,}</)
    t.equal(text.replace(/\n\s+/, '\n'), PROLOG + RESULT)
  }
})

t.test('a late failure is told in the document, and in the log', async t => {
  const told = '<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>'
  const broken = new Readable({ read: () => broken.destroy(new Error('cut')) })
  const failures: readonly (readonly [code: string, fail: () => S3Response])[] = [
    ['SlowDown', () => answer(503, Buffer.from(PROLOG + told))],
    ['InternalError', () => answer(500, undefined)],
    ['InternalError', () => answer(200, broken)],
    ['OperationAborted', () => raise(new S3Error('OperationAborted', 'The source was changed.'))],
    ['InternalError', () => raise(new Error('a fault with a secret in it'))],
  ]
  for (const [code, fail] of failures) {
    const request = asked('UploadPartCopy')
    const text = await textOf(await keepAlive(after(60, fail), request, PATIENCE))
    t.match(text, new RegExp(`^<\\?xml[^>]*>\\s+<Error><Code>${code}</Code>`))
    t.notMatch(text, 'secret')
    t.match(request.entries.at(-1), { error: code })
  }
})

t.test('nobody need listen to the end', async t => {
  const failing = after(80, () => raise(new S3Error('InternalError')))
  const early = await keepAlive(failing, asked(), PATIENCE)
  t.ok(early.body instanceof Readable && early.body.destroy())
  await t.rejects(failing)
})
