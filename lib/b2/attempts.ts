import type { CustomerKey } from '../keys/customer-key.ts'
import { documentText } from '../response/document.ts'
import { scrubText } from '../response/scrub.ts'
import type { Journal } from '../s3/journal.ts'
import type { S3Response } from '../s3/response.ts'
import { fieldsOf } from './fields.ts'

/** Where an error's code is, when its document was read and is one. */
const codeOf = (answer: S3Response): unknown => {
  try {
    return fieldsOf(JSON.parse(documentText(answer)))['code']
  } catch {
    return undefined
  }
}

/**
 * Whether B2 says that a file is not to be read with this key: 403 access_denied for a wrong one, 400 bad_request where
 * one is missing or has no business. https://www.backblaze.com/apidocs/b2-download-file-by-id
 */
const isAboutTheKey = (answer: S3Response): boolean => {
  if (answer.status !== 403 && answer.status !== 400) return false
  const code = codeOf(answer)
  // The answer to a HEAD has no document.
  return code === undefined || code === (answer.status === 403 ? 'access_denied' : 'bad_request')
}

const versionOf = (key: CustomerKey | undefined): string =>
  key === undefined ? 'none' : `${key.keyring}/${key.version}`

/** An error's document less any key that was sent. */
const scrubbed = (answer: S3Response, keys: readonly CustomerKey[]): S3Response => {
  if (!Buffer.isBuffer(answer.body)) return answer
  const body = Buffer.from(scrubText(answer.body.toString('utf8'), keys))
  const headers = new Map(answer.headers).set('content-length', String(body.length))
  return { ...answer, headers, body }
}

/** The answer to the attempt that fitted, or to the first when none did. */
export interface Attempted {
  readonly answer: S3Response
  readonly key: CustomerKey | undefined
}

/**
 * Sends a request with one key after the other, until B2's answer is about something else than the key.
 *
 * @param choices what reads; undefined for none
 */
export const tryKeys = async (
  choices: readonly (CustomerKey | undefined)[],
  journal: Journal,
  send: (key: CustomerKey | undefined) => Promise<S3Response>,
): Promise<Attempted> => {
  const keys = choices.filter(key => key !== undefined)
  let first: Attempted | undefined
  for (const [i, key] of choices.entries()) {
    const answer = scrubbed(await send(key), keys)
    const attempted = { answer, key }
    journal.note({ attempts: i + 1, keyVersion: versionOf(key) })
    if (!isAboutTheKey(answer)) return attempted
    first ??= attempted
  }
  if (first === undefined) throw new RangeError('a request needs an attempt')
  return first
}
