import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { filtered } from '../../lib/body/filter.ts'
import type { Form } from '../../lib/form/form.ts'
import { openForm } from '../../lib/form/open.ts'
import { S3Error } from '../../lib/s3/error.ts'
import { cut, fractions, oneByOne } from '../support/chunks.ts'
import { requestOf } from '../support/journey.ts'
import { contentType, type FieldList, formBody } from './browser.ts'

interface Opened {
  readonly fields: Readonly<Record<string, string>>
  readonly length: number
  readonly file: string
}

interface Sent {
  readonly total?: number
  readonly type?: string
}

const open = (chunks: readonly Buffer[], { total, type = contentType() }: Sent): Promise<Form> => {
  const length = total ?? chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  const headers = new Map([
    ['content-type', type],
    ['content-length', String(length)],
  ])
  const request = requestOf({ method: 'POST', path: '/b', query: '', headers, body: '' })
  return openForm({ ...request, wire: Readable.from(chunks, { objectMode: false }) })
}

const read = async (chunks: readonly Buffer[], sent: Sent = {}): Promise<Opened> => {
  const form = await open(chunks, sent)
  const file: Buffer[] = []
  for await (const bytes of filtered(form.request.wire, form.file)) file.push(Buffer.from(bytes))
  return {
    fields: Object.fromEntries(form.fields),
    length: form.length,
    file: Buffer.concat(file).toString('latin1'),
  }
}

/** What was read, or the code of the error. */
const outcome = async (chunks: readonly Buffer[], sent: Sent = {}): Promise<Opened | string> => {
  try {
    return await read(chunks, sent)
  } catch (error) {
    if (error instanceof S3Error) return error.code
    throw error
  }
}

/** As forms write it. */
const FILENAME = '\u0024{filename}'

const FIELDS: FieldList = [['key', 'k']]

t.test('a form is read as it was written', async t => {
  const fields: FieldList = [
    ['Key', `user/${FILENAME}`],
    ['X-Amz-Meta-Text', 'two\r\nlines, ä, --'],
    ['acl', ''],
  ]
  const file = '\r\n--\r\n--almost\r\n----WebKitFormBoundary7MA4YWxkTrZu0gW?\r\n'
  const body = formBody({ fields, file, filename: 'C:\\files\\b \\"1\\".txt' })
  t.strictSame(await read([body]), {
    fields: {
      key: 'user/b "1".txt',
      'x-amz-meta-text': 'two\r\nlines, ä, --',
      acl: '',
    },
    length: file.length,
    file,
  })
})

t.test('the file’s name is what is left of its path', async t => {
  const cases: readonly (readonly [string, string])[] = [
    ['a.txt', 'a.txt'],
    ['', ''],
    ['/home/x/a b.txt', 'a b.txt'],
    ['C:\\dir\\a.txt', 'a.txt'],
    ['$&$1.txt', '$&$1.txt'],
    ['ä.txt', 'ä.txt'],
  ]
  for (const [filename, expected] of cases) {
    const body = formBody({ fields: [['key', FILENAME]], file: 'x', filename })
    t.equal((await read([body])).fields['key'], expected, filename)
  }
})

t.test('a file’s length is known before it has come, at any size', async t => {
  for (const size of [0, 1, 2, 100, 65_000, 65_536, 65_600, 70_000, 300_000]) {
    const file = Buffer.alloc(size, '\r\n-')
    const body = formBody({ fields: FIELDS, file })
    const head = body.indexOf(file.subarray(0, 20), body.indexOf('Content-Type'))
    t.equal((await open([body.subarray(0, head), body.subarray(head)], {})).length, size)
    const { length, file: received } = await read(cut(body, [0.1, 0.5, 0.51, 0.99]))
    t.equal(length, size)
    t.ok(received === file.toString('latin1'), `${size} bytes`)
  }
})

t.test('what stands behind a small file is ignored, and refused behind a large one', async t => {
  const submit = '\r\nContent-Disposition: form-data; name="submit"\r\n\r\nGo\r\n--x--\r\n'
  const small = formBody({ fields: FIELDS, file: 'file', behind: submit })
  t.match(await outcome([small]), { length: 4, file: 'file' })
  for (const behind of [submit, '--', '--\r\n\r\n', '\r\n']) {
    const large = formBody({ fields: FIELDS, file: Buffer.alloc(100_000, 'a'), behind })
    t.equal(await outcome([large]), 'MalformedPOSTRequest', behind)
  }
})

t.test('a form without its end is refused', async t => {
  const cut = (size: number): Promise<Opened | string> => {
    const body = formBody({ fields: FIELDS, file: Buffer.alloc(size, 'a') })
    return outcome([body.subarray(0, -10)])
  }
  t.equal(await cut(10), 'MalformedPOSTRequest')
  t.equal(await cut(100_000), 'MalformedPOSTRequest')
})

t.test('what is no form is refused by name', async t => {
  const disposition = 'Content-Disposition: form-data; name="a"'
  const cases: readonly (readonly [string, string])[] = [
    ['', 'MalformedPOSTRequest'],
    ['hello', 'MalformedPOSTRequest'],
    ['--X', 'MalformedPOSTRequest'],
    ['--X--\r\n', 'IncorrectNumberOfFilesInPostRequest'],
    [`--X\r\n${disposition}\r\n\r\nv\r\n--X--\r\n`, 'IncorrectNumberOfFilesInPostRequest'],
    [`\r\n--X\r\n${disposition}\r\n\r\nv\r\n--X--\r\n`, 'MalformedPOSTRequest'],
    ['--X\r\n\r\nv\r\n--X--\r\n', 'MalformedPOSTRequest'],
    [`--X\r\n\r\n${disposition}\r\n\r\nv\r\n--X--`, 'MalformedPOSTRequest'],
    ['--X\r\nContent-Disposition: form-data\r\n\r\nv\r\n--X--', 'MalformedPOSTRequest'],
    ['--X\r\nContent-Disposition: attachment; name="a"\r\n\r\nv\r\n--X--', 'MalformedPOSTRequest'],
    ['--X\r\nContent-Disposition: form-data; name=""\r\n\r\nv\r\n--X--', 'MalformedPOSTRequest'],
    [`--X\r\n${disposition}\r\n${disposition}\r\n\r\nv\r\n--X--`, 'MalformedPOSTRequest'],
    [
      `--X\r\n${disposition}\r\n\r\nv\r\n--X\r\n${disposition}\r\n\r\nw\r\n--X--`,
      'MalformedPOSTRequest',
    ],
  ]
  for (const [body, code] of cases) {
    const type = contentType('X')
    t.equal(await outcome([Buffer.from(body)], { type }), code, body)
    t.equal(await outcome(oneByOne(Buffer.from(body)), { type }), code, `${body} byte by byte`)
  }
  const latin1 = formBody({ fields: FIELDS, file: '' })
    .toString()
    .replace('\r\nk\r\n', '\r\n\xff\r\n')
  t.equal(await outcome([Buffer.from(latin1, 'latin1')]), 'MalformedPOSTRequest')
})

t.test('the boundary is read as browsers and libraries write it', async t => {
  const body = formBody({ fields: FIELDS, file: 'x', boundary: "a'b c:" })
  t.match(await outcome([body], { type: `multipart/form-data; boundary="a'b c:"` }), { file: 'x' })
  const plain = formBody({ fields: FIELDS, file: 'x', boundary: 'abc' })
  const type = 'Multipart/Form-Data; charset=utf-8; Boundary=abc; x=y'
  t.match(await outcome([plain], { type }), { file: 'x' })
  for (const type of ['multipart/form-data', `multipart/form-data; boundary=${'a'.repeat(71)}`]) {
    t.equal(await outcome([plain], { type }), 'MalformedPOSTRequest', type)
  }
})

t.test('fields are bounded, however they come', async t => {
  const TOO_LARGE = 'MaxPostPreDataLengthExceededError'
  const of = (fields: FieldList): Promise<Opened | string> =>
    outcome(cut(formBody({ fields, file: 'x' }), [0.2, 0.4, 0.9]))
  t.match(await of([['a', 'v'.repeat(20 * 1024)]]), { file: 'x' })
  t.equal(await of([['a', 'v'.repeat(20 * 1024 + 1)]]), TOO_LARGE)
  const many = Array.from({ length: 21 }, (_, i) => [`a${i}`, 'v'.repeat(1024)] as const)
  t.equal(await of(many), TOO_LARGE)
  t.equal(await of(Array.from({ length: 1000 }, (_, i) => [`a${i}`, ''])), TOO_LARGE)
  t.equal(await of([['a'.repeat(30_000), '']]), TOO_LARGE)
})

t.test('no more is read of an endless field than its limit', async t => {
  let given = 0
  const chunk = Buffer.alloc(1024, 'v')
  const endless = function* (): Generator<Buffer> {
    yield formBody({ fields: FIELDS }).subarray(0, -6 - BOUNDARY_LENGTH)
    for (;;) {
      given += chunk.length
      yield chunk
    }
  }
  const headers = new Map([
    ['content-type', contentType()],
    ['content-length', String(2 ** 40)],
  ])
  const request = requestOf({ method: 'POST', path: '/b', query: '', headers, body: '' })
  const wire = Readable.from(endless(), { objectMode: false })
  await t.rejects(openForm({ ...request, wire }), { code: 'MaxPostPreDataLengthExceededError' })
  t.ok(given < 200_000, `${given} bytes`)
  wire.destroy()
})

const BOUNDARY_LENGTH = contentType().split('=')[1]?.length ?? 0

t.test('without a length there is no form', async t => {
  for (const headers of [{}, { 'content-length': '5', 'transfer-encoding': 'chunked' }]) {
    const all = new Map(Object.entries({ 'content-type': contentType(), ...headers }))
    const request = requestOf({ method: 'POST', path: '/b', query: '', headers: all, body: '' })
    await t.rejects(openForm(request), { code: 'MissingContentLength' })
  }
  await t.rejects(open([], { total: 2 ** 60 }), { code: 'InvalidArgument' })
})

t.test('a form is sent to a bucket', async t => {
  const asked = { method: 'PUT', path: '/b/k', query: '', headers: new Map(), body: '' }
  await t.rejects(openForm(requestOf(asked)), { code: 'MethodNotAllowed' })
})

/** Bytes that a parser of forms must look at twice. */
const tricky = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '-',
        '--',
        '\r\n--',
        '\r\n--X',
        '--X--',
        '\r\n--X\r',
        'X',
      ),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 12 },
  )
  .map(pieces => pieces.join(''))

const isContent = (text: string): boolean => !/\r\n--X(?:--|\r\n)/.test(`${text}\r\n--Y`)

t.test('any form is read the same, however it is cut', async () => {
  const form = fc.record({
    value: tricky.filter(isContent),
    file: tricky.filter(isContent),
    filling: fc.constantFrom(0, 70_000),
  })
  await fc.assert(
    fc.asyncProperty(form, fractions, async ({ value, file, filling }, at) => {
      const bytes = Buffer.concat([Buffer.alloc(filling, 'a'), Buffer.from(file)])
      const fields: FieldList = [['a', value]]
      const body = formBody({ fields, file: bytes, filename: 'f', boundary: 'X' })
      const type = contentType('X')
      const expected = {
        fields: { a: value },
        length: bytes.length,
        file: bytes.toString('latin1'),
      }
      t.strictSame(await outcome(cut(body, at), { type }), expected)
      if (filling === 0) t.strictSame(await outcome(oneByOne(body), { type }), expected)
    }),
    { numRuns: 200 },
  )
})

t.test('any bytes at all are read, or refused by name, the same however they are cut', async () => {
  const pieces = fc.array(
    fc.oneof(
      tricky,
      fc.constantFrom(
        '--X\r\n',
        '\r\n--X\r\n',
        '\r\n\r\n',
        'Content-Disposition: form-data; name="a"',
        'Content-Disposition: form-data; name="file"; filename="b"',
        '\r\n--X--\r\n',
      ),
    ),
    { maxLength: 14 },
  )
  await fc.assert(
    fc.asyncProperty(pieces, fc.boolean(), fractions, async (list, begun, at) => {
      const body = Buffer.from((begun ? '--X\r\n' : '') + list.join(''))
      const type = contentType('X')
      const whole = await outcome([body], { type })
      t.strictSame(await outcome(cut(body, at), { type }), whole)
      t.strictSame(await outcome(oneByOne(body), { type }), whole)
    }),
    { numRuns: 500 },
  )
})
