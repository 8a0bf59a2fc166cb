import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { S3Error } from '../s3/error.ts'
import type { OperationName } from '../s3/operation.ts'
import type { S3Request } from '../s3/request.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText, errorXml } from '../s3/xml.ts'
import { readDocument } from './document.ts'

/** In milliseconds. */
export interface Patience {
  /** How long an answer may take before its head is sent ahead of it. */
  readonly silence: number
  /** How often a sign of life follows until it comes. */
  readonly interval: number
}

/** What fails at once shall be told with its true status, and no client's timeout is shorter than this. */
export const USUAL_PATIENCE: Patience = { silence: 5_000, interval: 1_000 }

/** What may take long, is answered with a document, and has that read before the client gets any of it. */
const LONG: ReadonlySet<OperationName> = new Set([
  'CompleteMultipartUpload',
  'CopyObject',
  'UploadPartCopy',
])

type Asked = Pick<S3Request, 'id' | 'operation' | 'rawPath' | 'journal'>

const PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** Longer than any result with the whitespace that a provider sent before it. */
const DOCUMENT_BYTES = 1024 * 1024

/**
 * Answers as S3 does what takes long: after some silence with 200 and whitespace, and then with the result, or with an
 * `Error` document that clients look for in these answers.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export const keepAlive = (
  answer: Promise<S3Response>,
  request: Asked,
  patience: Patience,
): Promise<S3Response> =>
  LONG.has(request.operation.name) ? inTime(answer, request, patience) : answer

const inTime = async (
  answer: Promise<S3Response>,
  request: Asked,
  patience: Patience,
): Promise<S3Response> => {
  const known = await within(patience.silence, answer)
  return known ?? lateAnswer(answer, request, patience)
}

/** A promise's value, or undefined when it has none after so many milliseconds. */
const within = async <T>(ms: number, promise: Promise<T>): Promise<T | undefined> => {
  const done = new AbortController()
  const sleep = setTimeout(ms, undefined, { signal: done.signal }).catch(() => undefined)
  try {
    return await Promise.race([promise, sleep])
  } finally {
    done.abort()
  }
}

const lateAnswer = (
  answer: Promise<S3Response>,
  request: Asked,
  { interval }: Patience,
): S3Response => {
  // Caught here, for nobody listens any more when the client goes away meanwhile.
  const document = answer.then(
    response => documentOf(response, request),
    error => documentOfError(error, request),
  )
  return {
    status: 200,
    headers: new Map([
      ['content-type', 'application/xml'],
      ['x-amz-request-id', request.id],
    ]),
    body: Readable.from(signsOfLife(document, interval), { objectMode: false }),
  }
}

async function* signsOfLife(
  document: Promise<string>,
  interval: number,
): AsyncGenerator<Buffer, void, void> {
  yield Buffer.from(PROLOG)
  let text = await within(interval, document)
  while (text === undefined) {
    yield Buffer.from(' ')
    text = await within(interval, document)
  }
  yield Buffer.from(text)
}

const withoutProlog = (xml: string): string => xml.replace(/^\s*<\?xml[^>]*\?>\s*/, '')

const documentOf = async ({ status, body }: S3Response, request: Asked): Promise<string> => {
  const bytes = body === undefined || Buffer.isBuffer(body) ? body : await readAll(body)
  const xml = withoutProlog(bytes?.toString('utf8') ?? '')
  if (status >= 400) request.journal.note({ error: elementText(xml, 'Code') })
  return xml === '' ? documentOfError(undefined, request) : xml
}

const readAll = (body: Readable): Promise<Buffer | undefined> =>
  readDocument(body, DOCUMENT_BYTES).catch(() => undefined)

const documentOfError = (error: unknown, { id, rawPath, journal }: Asked): string => {
  const known = error instanceof S3Error ? error : new S3Error('InternalError')
  const { code, message, details } = known
  journal.note({ error: code, reason: message })
  return withoutProlog(errorXml({ code, message, details, resource: rawPath, requestId: id }))
}
