import type { CustomerKey } from '../keys/customer-key.ts'
import type { S3Response } from '../s3/response.ts'
import { elementText } from '../s3/xml.ts'
import { echoes } from '../ssec/headers.ts'
import { type Finding, fault, note, ok } from './finding.ts'
import { type Probe, queryOf, saidBy, textOf, uploadIdOf } from './probe.ts'

/** How a copy turned out: encrypted as asked, plaintext in its place, or not carried out. */
export type CopyOutcome = 'encrypted' | 'plaintext' | 'refused'

const outcomeOf = async (
  probe: Probe,
  objectKey: string,
  key: CustomerKey,
  answer: S3Response,
): Promise<CopyOutcome> => {
  if (answer.status !== 200 || elementText(textOf(answer), 'Code') !== undefined) return 'refused'
  const head = await probe.ask({ method: 'HEAD', objectKey, key })
  return head.status === 200 && echoes(head.headers, key) ? 'encrypted' : 'plaintext'
}

const SEEN: Readonly<Record<CopyOutcome, string>> = {
  encrypted: 'encrypted as asked',
  plaintext: '200, and STORED IN PLAINTEXT',
  refused: 'refused',
}

const findingOf = (
  check: string,
  outcome: CopyOutcome,
  answer: S3Response,
  isTrusted: boolean,
  upstream: string,
): Finding => {
  const seen = outcome === 'refused' ? `refused: ${saidBy(answer)}` : SEEN[outcome]
  if (outcome === 'encrypted') return ok(check, seen)
  if (!isTrusted) return note(check, `${seen}; the proxy copies by reading and writing`)
  // Fails closed: what is not echoed is taken back.
  return fault(check, seen, `Set upstreams.${upstream}.copy to what is suggested below.`)
}

/** CopyObject from plaintext and from another key: for real, since RGW 16 answers 200 and stores plaintext. */
export const checkCopies = async (
  probe: Probe,
): Promise<{ readonly findings: readonly Finding[]; readonly isFull: boolean }> => {
  const { profile, upstream } = probe.exchange
  const isTrusted = profile.copy === 'full'
  const plain = await probe.ask({
    method: 'PUT',
    objectKey: 'copied-1',
    source: 'plain',
    key: probe.k1,
  })
  const fromPlain = await outcomeOf(probe, 'copied-1', probe.k1, plain)
  const rotated = await probe.ask({
    method: 'PUT',
    objectKey: 'copied-2',
    source: 'k1',
    sourceKey: probe.k1,
    key: probe.k2,
  })
  const fromKey = await outcomeOf(probe, 'copied-2', probe.k2, rotated)
  return {
    findings: [
      findingOf('copy-plain-to-key', fromPlain, plain, isTrusted, upstream.name),
      findingOf('copy-key-to-key', fromKey, rotated, isTrusted, upstream.name),
    ],
    isFull: fromPlain === 'encrypted' && fromKey === 'encrypted',
  }
}

/** UploadPartCopy into an upload with K1, from an object with K1 and from one with another key. */
export const checkPartCopies = async (
  probe: Probe,
): Promise<{
  readonly finding: Finding
  readonly takesSameKey: boolean
  readonly takesAny: boolean
}> => {
  const created = await probe.createUpload('part-copied', probe.k1)
  const uploadId = uploadIdOf(created) ?? ''
  const from = (source: string, sourceKey: CustomerKey, part: string): Promise<S3Response> =>
    probe.ask({
      method: 'PUT',
      objectKey: 'part-copied',
      query: queryOf({ partNumber: part, uploadId }),
      source,
      sourceKey,
      key: probe.k1,
    })
  await probe.ask({ method: 'PUT', objectKey: 'k2', body: Buffer.from('k2'), key: probe.k2 })
  const same = await from('k1', probe.k1, '1')
  const other = await from('k2', probe.k2, '2')
  const takesSameKey = same.status === 200
  const takesAny = takesSameKey && other.status === 200
  const seen = `same key ${saidBy(same)}, other key ${saidBy(other)}`
  return {
    finding: takesAny
      ? ok('upload-part-copy', seen)
      : note('upload-part-copy', `${seen}; the proxy reads and writes instead`),
    takesSameKey,
    takesAny,
  }
}
