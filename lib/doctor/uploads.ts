import { crc32 } from 'node:zlib'
import type { S3Response } from '../s3/response.ts'
import { elementText, escapeXml } from '../s3/xml.ts'
import { echoes } from '../ssec/headers.ts'
import { BYTES } from './encryption.ts'
import { type Finding, fault, note, ok, skipped } from './finding.ts'
import { framedBody, md5Hex, type Probe, queryOf, saidBy, textOf, uploadIdOf } from './probe.ts'

const completion = (etag: string): Buffer =>
  Buffer.from(
    `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber><ETag>${escapeXml(etag)}</ETag></Part></CompleteMultipartUpload>`,
  )

/** A multipart upload with a key, from beginning to end. */
export const checkMultipart = async (probe: Probe): Promise<Finding> => {
  const { k1: key } = probe
  const created = await probe.createUpload('parts', key)
  const uploadId = uploadIdOf(created)
  if (uploadId === undefined) {
    return fault(
      'multipart',
      saidBy(created),
      'The provider begins no upload with a key: large objects cannot be written.',
    )
  }
  const query = queryOf({ partNumber: '1', uploadId })
  const part = await probe.ask({ method: 'PUT', objectKey: 'parts', query, body: BYTES, key })
  const completed = await probe.ask({
    method: 'POST',
    objectKey: 'parts',
    query: queryOf({ uploadId }),
    body: completion(part.headers.get('etag') ?? ''),
    // Which providers want the key here, too, the profile knows.
    key: probe.exchange.profile.keyAlsoOn.has('CompleteMultipartUpload') ? key : undefined,
  })
  const head = await probe.ask({ method: 'HEAD', objectKey: 'parts', key })
  return multipartFinding(probe, [created, part, completed, head])
}

const multipartFinding = (probe: Probe, answers: readonly S3Response[]): Finding => {
  const [created, part, , head] = answers
  const failed = answers.find(({ status }) => status !== 200)
  if (failed !== undefined || head === undefined || part === undefined || created === undefined) {
    return fault(
      'multipart',
      failed === undefined ? 'no answer' : saidBy(failed),
      'Large objects cannot be written: ask the provider about multipart uploads with SSE-C.',
    )
  }
  if (!echoes(head.headers, probe.k1)) {
    return fault(
      'multipart',
      'completed without encryption',
      'The proxy would refuse such uploads; do not use this provider for large objects.',
    )
  }
  const echo = [created, part].map(({ headers }) => echoes(headers, probe.k1))
  return ok(
    'multipart',
    `encrypted; create ${echo[0] ? 'echoes' : 'is silent'}, part ${echo[1] ? 'echoes' : 'is silent'}`,
  )
}

const crc32Base64 = (bytes: Buffer): string => {
  const digest = Buffer.alloc(4)
  digest.writeUInt32BE(crc32(bytes))
  return digest.toString('base64')
}

/** Whether a wrong checksum in the head is refused; where it is not, the proxy judges it. */
export const checkChecksums = async (probe: Probe): Promise<Finding> => {
  const answer = await probe.ask({
    method: 'PUT',
    objectKey: 'checksum',
    body: BYTES,
    key: probe.k1,
    headers: [['x-amz-checksum-crc32', crc32Base64(Buffer.from('something else'))]],
  })
  return answer.status === 400
    ? ok('checksums', 'a wrong one is refused')
    : note('checksums', `a wrong one is answered ${answer.status}; the proxy checks them itself`)
}

const TRAILER = 'x-amz-checksum-crc32'
const UNSIGNED_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'

/** Whether a checksum may follow the body. */
export const checkTrailers = async (probe: Probe): Promise<Finding> => {
  const framed = `${BYTES.length.toString(16)}\r\n${BYTES}\r\n0\r\n${TRAILER}:${crc32Base64(BYTES)}\r\n\r\n`
  const answer = await probe.ask({
    method: 'PUT',
    objectKey: 'trailer',
    body: framedBody(Buffer.from(framed), UNSIGNED_TRAILER),
    key: probe.k1,
    headers: [
      ['content-encoding', 'aws-chunked'],
      ['x-amz-decoded-content-length', String(BYTES.length)],
      ['x-amz-trailer', TRAILER],
    ],
  })
  const wanted = probe.exchange.profile.trailers
  if (answer.status !== 200) {
    const seen = `refused: ${saidBy(answer)}`
    return wanted === 'none'
      ? note('trailers', `${seen}; the proxy sends none`)
      : note(
          'trailers',
          seen,
          `Provider ${probe.exchange.upstream.provider} should take them: use provider: generic.`,
        )
  }
  const read = await probe.ask({ method: 'GET', objectKey: 'trailer', key: probe.k1 })
  return textOf(read) === BYTES.toString()
    ? ok('trailers', 'taken')
    : note('trailers', 'taken, with the framing stored in the object; the proxy decodes it before')
}

/** Whether the ETag of an encrypted object is the MD5 of its bytes. */
export const checkEtag = async (
  probe: Probe,
): Promise<{ readonly finding: Finding; readonly isMd5: boolean | undefined }> => {
  const head = await probe.ask({ method: 'HEAD', objectKey: 'k1', key: probe.k1 })
  const etag = (head.headers.get('etag') ?? '').replaceAll('"', '')
  if (etag === '') return { finding: skipped('etag', 'none'), isMd5: undefined }
  const isMd5 = etag === md5Hex(BYTES)
  const seen = isMd5 ? 'the MD5 of the bytes' : 'no MD5'
  return { finding: ok('etag', seen), isMd5 }
}

export const checkPartNumber = async (probe: Probe): Promise<Finding> => {
  const query = queryOf({ partNumber: '1' })
  const answer = await probe.ask({ method: 'GET', objectKey: 'parts', query, key: probe.k1 })
  return answer.status === 206
    ? ok('part-number', '206')
    : note('part-number', `${answer.status}: reads by part give the whole object`)
}

export const checkAttributes = async (probe: Probe): Promise<Finding> => {
  const answer = await probe.ask({
    method: 'GET',
    objectKey: 'k1',
    query: queryOf({ attributes: '' }),
    headers: [['x-amz-object-attributes', 'ETag,ObjectSize']],
    key: probe.k1,
  })
  if (answer.status === 200 && elementText(textOf(answer), 'ObjectSize') !== undefined) {
    return ok('attributes', 'told')
  }
  return note('attributes', `${saidBy(answer)}: GetObjectAttributes is not known`)
}

const OTHER_ETAG = '00000000000000000000000000000000'

/** Whether a write can be made conditional on what it replaces: rekey relies on it where it can. */
export const checkIfMatch = async (probe: Probe): Promise<Finding> => {
  const answer = await probe.ask({
    method: 'PUT',
    objectKey: 'k1',
    body: BYTES,
    key: probe.k1,
    headers: [['if-match', `"${OTHER_ETAG}"`]],
  })
  return answer.status === 412
    ? ok('if-match', 'honoured on writes')
    : note(
        'if-match',
        `a PUT on a wrong ETag is answered ${answer.status}`,
        'Let rekey run while nobody writes, or in a versioned bucket.',
      )
}
