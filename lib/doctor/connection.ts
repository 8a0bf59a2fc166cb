import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { isIP } from 'node:net'
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls'
import type { Exchange } from '../exchange.ts'
import { S3Error } from '../s3/error.ts'
import { elementText } from '../s3/xml.ts'
import type { Upstream } from '../transport/upstream.ts'
import { type Finding, fault, note, ok, skipped } from './finding.ts'
import { type Probe, saidBy, textOf } from './probe.ts'

/** Why a request or a handshake failed, as the machine says it. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof S3Error && error.cause instanceof Error) return error.cause.message
  return error instanceof Error ? error.message : String(error)
}

/** The endpoint's host, without the brackets of an IPv6 address. */
const hostOf = ({ endpoint }: Upstream): string =>
  new URL(endpoint).hostname.replace(/^\[|\]$/g, '')

export const checkDns = async (upstream: Upstream): Promise<Finding> => {
  const host = hostOf(upstream)
  if (isIP(host) !== 0) return ok('dns', `${host} is an address`)
  try {
    const addresses = await lookup(host, { all: true })
    return ok('dns', `${host} has ${addresses.length} addresses`)
  } catch (error) {
    return fault(
      'dns',
      reasonOf(error),
      `Check upstreams.${upstream.name}.endpoint, and that this machine can resolve ${host}.`,
    )
  }
}

const DAY = 86_400_000

const certificateFinding = (certificate: PeerCertificate, protocol: string, now: Date): Finding => {
  const days = Math.floor((Date.parse(certificate.valid_to) - now.getTime()) / DAY)
  const seen = `${protocol}, certificate good for ${days} days`
  return days < 14 ? note('tls', seen, "The provider's certificate ends soon.") : ok('tls', seen)
}

const shake = async (upstream: Upstream, signal: AbortSignal): Promise<TLSSocket> => {
  const host = hostOf(upstream)
  const port = Number(new URL(upstream.endpoint).port || '443')
  const socket = connect({
    host,
    port,
    ...(isIP(host) === 0 && { servername: host }),
    ...(upstream.ca !== undefined && { ca: upstream.ca }),
  })
  await once(socket, 'secureConnect', { signal })
  return socket
}

export const checkTls = async (
  upstream: Upstream,
  now: Date,
  signal: AbortSignal,
): Promise<Finding> => {
  if (upstream.endpoint.startsWith('http:')) {
    return note('tls', 'plain http: keys travel in the clear', 'Use https unless this is loopback.')
  }
  try {
    const socket = await shake(upstream, signal)
    const finding = certificateFinding(
      socket.getPeerCertificate(),
      socket.getProtocol() ?? 'TLS',
      now,
    )
    socket.destroy()
    return finding
  } catch (error) {
    return fault(
      'tls',
      reasonOf(error),
      `Check the endpoint's port; for a private CA, name its file in upstreams.${upstream.name}.ca.`,
    )
  }
}

const CREDENTIAL_REMEDIES: Readonly<Record<string, string>> = {
  InvalidAccessKeyId:
    'The provider does not know the access key id: check the credentials of the upstream or client.',
  SignatureDoesNotMatch:
    'The secret access key is another, or the region is: check both, and that no proxy on the way changes Host.',
  RequestTimeTooSkewed: "Set this machine's clock: run NTP.",
  AuthorizationHeaderMalformed: 'The region is another: the provider names it in its message.',
  AccessDenied:
    'The credentials are good, but may not do this: allow it in IAM or the bucket policy.',
}

/** What to do about an answer that refused. */
export const remedyFor = (code: string | undefined): string =>
  CREDENTIAL_REMEDIES[code ?? ''] ?? 'See what the provider says of this code.'

/** A clock that is wrong by more gets requests refused; AWS allows 15 minutes. In seconds. */
const SKEW = 60

const clockFinding = (date: string | undefined, now: Date): Finding => {
  const there = Date.parse(date ?? '')
  if (Number.isNaN(there)) return skipped('clock', 'the provider tells no date')
  const seconds = Math.round((now.getTime() - there) / 1000)
  const seen = `${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} the provider`
  if (Math.abs(seconds) <= SKEW) return ok('clock', seconds === 0 ? 'as the provider’s' : seen)
  return fault('clock', seen, "Set this machine's clock: run NTP.")
}

/** Signs one request, and reads of its answer whether the credentials and the clock are right. */
export const checkCredentials = async (
  probe: Probe,
  now: () => Date,
): Promise<readonly Finding[]> => {
  try {
    const answer = await probe.ask({
      method: 'GET',
      query: [
        { name: 'list-type', value: '2' },
        { name: 'max-keys', value: '1' },
      ],
    })
    return [credentialsFinding(answer, probe), clockFinding(answer.headers.get('date'), now())]
  } catch (error) {
    return [fault('reach', reasonOf(error), reachRemedy(probe.exchange))]
  }
}

const reachRemedy = ({ upstream }: Exchange): string =>
  upstream.provider === 'embedded'
    ? 'The embedded upstream runs inside of the proxy: start ssec-proxy serve first.'
    : `Check that ${upstream.endpoint} can be reached from here.`

const credentialsFinding = (
  answer: Awaited<ReturnType<Probe['ask']>>,
  { bucket }: Probe,
): Finding => {
  const code = elementText(textOf(answer), 'Code')
  if (answer.status === 200) return ok('credentials', 'accepted')
  // A bucket that is not there is told only to who may ask.
  if (answer.status === 404) return ok('credentials', `accepted; bucket ${bucket} is to be made`)
  return fault('credentials', saidBy(answer), remedyFor(code))
}
