import type { Exchange } from '../exchange.ts'
import { checkCredentials, checkDns, checkTls, reasonOf } from './connection.ts'
import { checkCopies, checkPartCopies } from './copies.ts'
import { checkBlocked, checkPlaintext, checkReads, checkWrite } from './encryption.ts'
import { type Finding, fault, note, ok, type Settings } from './finding.ts'
import { Probe, saidBy } from './probe.ts'
import {
  checkAttributes,
  checkChecksums,
  checkEtag,
  checkIfMatch,
  checkMultipart,
  checkPartNumber,
  checkTrailers,
} from './uploads.ts'

export interface DoctorOptions {
  readonly exchange: Exchange
  /** The bucket to try things out in; left out: one of its own, made and removed. */
  readonly bucket: string | undefined
  readonly prefix: string
  /** Whether to unblock SSE-C where the bucket blocks it. */
  readonly fix: boolean
  readonly now: () => Date
  /** For names that nobody else uses: hex digits. */
  readonly random: () => string
}

export interface Diagnosis {
  readonly findings: readonly Finding[]
  readonly settings: Settings
}

/** Milliseconds that one request may take. */
const PATIENCE = 30_000

const hasFault = (findings: readonly Finding[]): boolean =>
  findings.some(({ outcome }) => outcome === 'fault')

/**
 * Tries out, for real, all that the proxy relies on at an upstream, and cleans up behind itself whatever happens.
 */
export const examine = async (options: DoctorOptions): Promise<Diagnosis> => {
  const { exchange, now, random } = options
  const { upstream } = exchange
  const findings: Finding[] = [await checkDns(upstream)]
  findings.push(await checkTls(upstream, now(), AbortSignal.timeout(upstream.timeouts.connect)))
  if (hasFault(findings)) return { findings, settings: {} }
  const bucket = options.bucket ?? `ssec-doctor-${random()}`
  const probe = new Probe(exchange, bucket, `${options.prefix}ssec-doctor-${random()}/`, () =>
    AbortSignal.timeout(PATIENCE),
  )
  try {
    findings.push(...(await checkCredentials(probe, now)))
    if (hasFault(findings)) return { findings, settings: {} }
    const settings = await examineBucket(probe, options, findings)
    return { findings, settings }
  } catch (error) {
    findings.push(
      fault('broken-off', reasonOf(error), 'The provider did not hold out: run it again.'),
    )
    return { findings, settings: {} }
  } finally {
    findings.push(await cleanUp(probe))
  }
}

const cleanUp = async (probe: Probe): Promise<Finding> => {
  const left = await probe.cleanUp()
  return left.length === 0
    ? ok('clean-up', 'nothing is left behind')
    : fault('clean-up', `left behind: ${left.join(', ')}`, 'Remove them by hand.')
}

const ensureBucket = async (probe: Probe, { bucket }: DoctorOptions): Promise<Finding> => {
  if (bucket !== undefined) {
    const head = await probe.ask({ method: 'HEAD' })
    return head.status === 200
      ? ok('bucket', bucket)
      : fault('bucket', saidBy(head), `Make bucket ${bucket}, or name another.`)
  }
  const created = await probe.createBucket()
  return created.status === 200
    ? ok('bucket', `${probe.bucket}, made for this and removed after`)
    : fault(
        'bucket',
        saidBy(created),
        'Name a bucket that there is: ssec-proxy doctor s3://bucket.',
      )
}

/** @param findings grow as they come, so that a breakdown in the middle still tells what came before */
const examineBucket = async (
  probe: Probe,
  options: DoctorOptions,
  findings: Finding[],
): Promise<Settings> => {
  findings.push(await ensureBucket(probe, options))
  if (hasFault(findings)) return {}
  findings.push(await checkBlocked(probe, options.fix))
  findings.push(await checkWrite(probe))
  if (hasFault(findings)) return {}
  findings.push(...(await checkReads(probe)), await checkPlaintext(probe))
  const copies = await checkCopies(probe)
  const parts = await checkPartCopies(probe)
  findings.push(...copies.findings, parts.finding)
  findings.push(await checkMultipart(probe), await checkTrailers(probe))
  findings.push(await checkChecksums(probe))
  const etag = await checkEtag(probe)
  findings.push(etag.finding, await checkPartNumber(probe), await checkAttributes(probe))
  findings.push(await checkIfMatch(probe))
  const copy = copies.isFull ? 'full' : parts.takesSameKey ? 'same-key-parts' : 'none'
  return { copy, ...(etag.isMd5 !== undefined && { etag: etag.isMd5 ? 'as-is' : 'mark' }) }
}

/** What the configuration says otherwise than what was measured. */
export const settingFindings = (
  { upstream, profile }: Exchange,
  { copy, etag }: Settings,
): readonly Finding[] => {
  const findings: Finding[] = []
  if (copy !== undefined && copy !== profile.copy) {
    const remedy = `Set upstreams.${upstream.name}.copy: ${copy}`
    findings.push(
      profile.copy === 'full'
        ? fault('setting-copy', `configured ${profile.copy}, measured ${copy}`, remedy)
        : note('setting-copy', `configured ${profile.copy}, measured ${copy}`, remedy),
    )
  }
  const shown = upstream.etag ?? profile.etag
  if (etag !== undefined && etag !== shown) {
    const remedy = `Set upstreams.${upstream.name}.etag: ${etag}`
    findings.push(note('setting-etag', `configured ${shown}, measured ${etag}`, remedy))
  }
  return findings
}
