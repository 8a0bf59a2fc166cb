import { createHash } from 'node:crypto'
import { Agent, request } from 'undici'
import {
  type Credentials,
  type CredentialsSource,
  credentialsNow,
} from '../../../s3/credentials.ts'
import { canonicalRequest } from '../../../sigv4/canonical.ts'
import { amzDate, scopeText } from '../../../sigv4/scope.ts'
import {
  ALGORITHM,
  createSigningKeys,
  signatureOf,
  stringToSign,
} from '../../../sigv4/signature.ts'
import { KeyProviderError } from '../provider.ts'
import { unreachable, withTries } from '../tries.ts'

/** Where an AWS service is, and with what it is called. */
export interface AwsConnection {
  /** Scheme, host and port. */
  readonly endpoint: string
  readonly region: string
  readonly credentials: CredentialsSource
  /** PEM text of the CAs that may vouch for it, instead of the system's. */
  readonly ca: string | undefined
  /** Milliseconds for one answer. */
  readonly timeout: number
}

/** The services that are called: how they are named to people, in a signature's scope, and in `x-amz-target`. */
const SERVICES = {
  kms: { title: 'AWS KMS', target: 'TrentService' },
  secretsmanager: { title: 'AWS Secrets Manager', target: 'secretsmanager' },
} as const

export type AwsService = keyof typeof SERVICES

type Fields = Readonly<Record<string, unknown>>

/**
 * Calls an action of a service.
 *
 * @throws {AwsRefusal} when the service does not do it
 * @throws {KeyProviderError} when it does not answer, or there are no credentials
 */
export type AwsCall = (action: string, fields: Fields) => Promise<Fields>

/** A service's No. */
export class AwsRefusal extends KeyProviderError {
  /** Such as `AccessDeniedException`; empty when it said none. */
  readonly code: string
  constructor(message: string, code: string) {
    super(message)
    this.code = code
  }
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html, and each action's own page. */
const REMEDIES: Readonly<Record<string, string>> = {
  AccessDeniedException:
    'The credentials may not do that: check their policy, and that of the key or secret.',
  DisabledException: 'Enable the KMS key.',
  ExpiredTokenException: 'The credentials have ended.',
  IncorrectKeyException:
    'It was wrapped by another KMS key: name that one in keyId or olderKeyIds.',
  InvalidCiphertextException:
    'It was not wrapped for this keyring and this version, or it is damaged.',
  InvalidSignatureException: 'The secret access key is wrong, or the clock.',
  KMSInvalidStateException: 'The KMS key is disabled, or about to be deleted.',
  NotFoundException: 'There is no such KMS key: check keyId and region.',
  ResourceNotFoundException: 'There is no such secret: check secretId and region.',
  UnrecognizedClientException: 'AWS does not know the access key id.',
}

const isPassing = ({ status, code }: Answer): boolean =>
  status >= 500 || status === 429 || /Throttling|TooManyRequests|DependencyTimeout/.test(code)

interface Answer {
  readonly status: number
  /** The error's, for a refusal. */
  readonly code: string
  readonly fields: Fields
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

const parse = (text: string): Fields => {
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : {}
  } catch {
    return {}
  }
}

/** The name out of `com.amazonaws.kms#NotFoundException`. Nothing else that a refusal says is passed on. */
const codeOf = ({ __type: type }: Fields): string =>
  typeof type === 'string' ? (/^(?:[\w.]*#)?([A-Za-z]{1,64})$/.exec(type)?.[1] ?? '') : ''

/** Who signs calls to one service, in one region. */
const createSigner = (service: AwsService, { endpoint, region }: AwsConnection) => {
  const keys = createSigningKeys()
  return (action: string, body: string, credentials: Credentials, now: Date) => {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials
    const date = amzDate(now)
    const scope = { date: date.slice(0, 8), region, service }
    const headers = new Map([
      ['content-type', 'application/x-amz-json-1.1'],
      ['host', new URL(endpoint).host],
      ['x-amz-date', date],
      ['x-amz-target', `${SERVICES[service].target}.${action}`],
    ])
    if (sessionToken !== undefined) headers.set('x-amz-security-token', sessionToken.expose())
    const signedHeaders = [...headers.keys()].sort()
    const payloadHash = createHash('sha256').update(body).digest('hex')
    const parts = { method: 'POST', path: '/', query: '', headers, signedHeaders, payloadHash }
    const text = stringToSign(date, scope, canonicalRequest(parts))
    const signature = signatureOf(keys.keyFor(secretAccessKey, accessKeyId, scope), text)
    const authorization = `${ALGORITHM} Credential=${accessKeyId}/${scopeText(scope)}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`
    return Object.fromEntries(headers.set('authorization', authorization))
  }
}

/** A way to call one service: each of a few tries is signed anew and has its own time limit. */
export const createAwsCall = (
  service: AwsService,
  connection: AwsConnection,
  now: () => Date,
  random: () => number = Math.random,
): AwsCall => {
  const { endpoint, credentials: source, ca, timeout } = connection
  const what = `${SERVICES[service].title} at ${endpoint}`
  const dispatcher = new Agent({ connect: { ...(ca !== undefined && { ca }), timeout } })
  const sign = createSigner(service, connection)
  const post = async (action: string, body: string): Promise<Answer> => {
    const headers = sign(action, body, await credentialsNow(source), now())
    const signal = AbortSignal.timeout(timeout)
    try {
      const answer = await request(endpoint, { method: 'POST', dispatcher, headers, body, signal })
      const fields = parse(await answer.body.text())
      return { status: answer.statusCode, code: codeOf(fields), fields }
    } catch (error) {
      throw unreachable(what, error)
    }
  }
  return async (action, fields) => {
    const body = JSON.stringify(fields)
    const answer = await withTries(() => post(action, body), isPassing, random)
    if (answer.status === 200) return answer.fields
    const said = `${what} answered ${answer.code || answer.status} to ${action}.`
    throw new AwsRefusal(`${said} ${REMEDIES[answer.code] ?? ''}`.trim(), answer.code)
  }
}
