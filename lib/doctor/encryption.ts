import { elementText } from '../s3/xml.ts'
import { echoes } from '../ssec/headers.ts'
import { remedyFor } from './connection.ts'
import { type Finding, fault, note, ok, skipped } from './finding.ts'
import { type Probe, queryOf, saidBy, textOf } from './probe.ts'

const ENCRYPTION = queryOf({ encryption: '' })

const UNBLOCKED = `{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"},"BlockedEncryptionTypes":{"EncryptionType":["NONE"]}}]}`

/** The command that lets a bucket of AWS take customer keys. */
export const unblockCommand = (bucket: string): string =>
  `aws s3api put-bucket-encryption --bucket ${bucket} --server-side-encryption-configuration '${UNBLOCKED}'`

const BLOCKED = /<EncryptionType>\s*SSE-C\s*<\/EncryptionType>/

/**
 * The bucket's own encryption settings with SSE-C unblocked, and all else as it was.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
 */
export const unblocked = (xml: string): string =>
  xml.replace(BLOCKED, '<EncryptionType>NONE</EncryptionType>')

/** Whether the bucket blocks SSE-C, as AWS does since April 2026; with `fix` it is unblocked. */
export const checkBlocked = async (probe: Probe, fix: boolean): Promise<Finding> => {
  const answer = await probe.ask({ method: 'GET', query: ENCRYPTION })
  const xml = textOf(answer)
  if (answer.status === 403) {
    return note(
      'blocked',
      'the encryption settings may not be read',
      'Allow s3:GetEncryptionConfiguration to have this checked.',
    )
  }
  if (!BLOCKED.test(xml)) return ok('blocked', 'the bucket blocks no SSE-C')
  if (!fix) {
    return fault(
      'blocked',
      'the bucket blocks SSE-C',
      `Run doctor with --fix, or: ${unblockCommand(probe.bucket)}`,
    )
  }
  const fixed = await probe.ask({
    method: 'PUT',
    query: ENCRYPTION,
    body: Buffer.from(unblocked(xml)),
  })
  return fixed.status === 200
    ? ok('blocked', 'the bucket blocked SSE-C, and was unblocked')
    : fault(
        'blocked',
        `unblocking was answered ${saidBy(fixed)}`,
        remedyFor(elementText(textOf(fixed), 'Code')),
      )
}

export const BYTES = Buffer.from('ssec-proxy doctor\n')

/** Whether the provider takes a customer key at all, and says so. */
export const checkWrite = async (probe: Probe): Promise<Finding> => {
  const answer = await probe.ask({ method: 'PUT', objectKey: 'k1', body: BYTES, key: probe.k1 })
  if (answer.status !== 200) {
    const blocked =
      'Writes with a customer key are refused: SSE-C may be blocked, not offered, or need https.'
    return fault(
      'write',
      saidBy(answer),
      answer.status === 403 ? `${blocked} On AWS: ${unblockCommand(probe.bucket)}` : blocked,
    )
  }
  return echoes(answer.headers, probe.k1)
    ? ok('write', 'encrypted, and the key’s MD5 echoed')
    : fault(
        'write',
        '200 without echo: stored in plaintext',
        'This provider does not do SSE-C here; the proxy would refuse every write.',
      )
}

/** With its key the object is read, with another or none it is not. */
export const checkReads = async (probe: Probe): Promise<readonly Finding[]> => {
  const right = await probe.ask({ method: 'GET', objectKey: 'k1', key: probe.k1 })
  const isRead = right.status === 200 && Buffer.isBuffer(right.body) && right.body.equals(BYTES)
  const wrong = await probe.ask({ method: 'GET', objectKey: 'k1', key: probe.k2 })
  const none = await probe.ask({ method: 'GET', objectKey: 'k1' })
  const refusal = (check: string, answer: typeof wrong): Finding =>
    answer.status >= 400
      ? ok(check, `refused: ${saidBy(answer)}`)
      : fault(
          check,
          `${answer.status}: the bytes were given`,
          'What is stored is not protected by the key: do not rely on this provider.',
        )
  return [
    isRead && echoes(right.headers, probe.k1)
      ? ok('read', 'the bytes, with the echo')
      : fault(
          'read',
          saidBy(right),
          'What was written with a key cannot be read with it: ask the provider.',
        ),
    refusal('wrong-key', wrong),
    refusal('no-key', none),
  ]
}

/** What a plaintext object gives to who asks with a key; mixed buckets depend on it. */
export const checkPlaintext = async (probe: Probe): Promise<Finding> => {
  const put = await probe.ask({ method: 'PUT', objectKey: 'plain', body: BYTES })
  if (put.status !== 200)
    return skipped('plaintext-with-key', `a plaintext write is refused: ${saidBy(put)}`)
  const answer = await probe.ask({ method: 'GET', objectKey: 'plain', key: probe.k1 })
  if (answer.status === 200)
    return note('plaintext-with-key', '200 without echo: the key is ignored')
  return ok('plaintext-with-key', `refused: ${saidBy(answer)}`)
}
