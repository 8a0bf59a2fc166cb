import type { Client } from '../authenticate/client.ts'
import { type CopyAbility, PROVIDERS, type Profile } from '../dialect/profiles.ts'
import type { CustomerKey } from '../keys/customer-key.ts'
import type { Keys } from '../keys/find-keys.ts'
import { questionOf } from '../policy/decide.ts'
import { createPolicy, type Decision, type Policy } from '../policy/resolve.ts'
import type { ProviderMethod } from '../policy/rule.ts'
import { type ObjectPlace, parseCopySource } from '../s3/address.ts'
import type { Headers } from '../s3/headers.ts'
import { type Operation, operationNamed, recognise } from '../s3/operation.ts'
import { hasParameter } from '../s3/query.ts'
import type { Ready } from '../serving.ts'
import { type Attempt, type Attempts, attemptsFor } from '../ssec/attempts.ts'
import { takesKey } from '../ssec/enforce.ts'
import { type KeyPlace, SSE_C_HEADERS } from '../ssec/headers.ts'
import { methodHeaders } from '../ssec/method.ts'
import { clientNamed } from './clients.ts'
import { parseHeaderLine } from './header-line.ts'
import { type Io, toPath } from './io.ts'
import { EXIT } from './run.ts'
import { parseS3Url, type S3Url } from './s3-url.ts'
import { getReady } from './serve.ts'
import { table } from './text.ts'

export interface ExplainOptions {
  readonly config: string
  readonly client?: string
  readonly header?: readonly string[]
}

/** What the policy says of one place, and the keys that it means. */
interface Finding {
  readonly decision: Decision
  readonly keys: Keys | undefined
}

type Row = readonly [label: string, text: string]

const findingOf = (
  { keyrings }: Ready,
  decision: Decision,
  place: ObjectPlace | undefined,
): Finding => {
  if (decision.kind !== 'encrypt' || place === undefined) return { decision, keys: undefined }
  return { decision, keys: keyrings.get(decision.effect.encrypt.keyring)?.keysFor(place) }
}

const ofSource = (
  ready: Ready,
  policy: Policy,
  client: Client,
  operation: Operation,
  headers: Headers,
): Finding | undefined => {
  const source = headers.get('x-amz-copy-source')
  if (!operation.source || source === undefined) return undefined
  const place = parseCopySource(source)
  const question = { client: client.name, operation: operationNamed('GetObject'), ...place }
  return findingOf(ready, policy.resolve(question), place)
}

const allowsPlaintext = (decision: Decision | undefined): boolean =>
  decision?.kind === 'encrypt' && decision.effect.plaintextReads === 'allow'

const attemptsOf = (
  operation: Operation,
  profile: Profile,
  object: Finding,
  source: Finding | undefined,
): Attempts =>
  attemptsFor({
    operation,
    object: takesKey(operation, profile) ? object.keys : undefined,
    plaintextObject: allowsPlaintext(object.decision),
    source: source?.keys,
    plaintextSource: allowsPlaintext(source?.decision),
  })

const methodText = (method: ProviderMethod): string => {
  if (method.sse === 's3') return 'SSE-S3'
  return method.keyId === undefined ? 'SSE-KMS' : `SSE-KMS with key ${method.keyId}`
}

const decisionText = (decision: Decision): string => {
  switch (decision.kind) {
    case 'encrypt':
      return `encrypt with keyring ${decision.effect.encrypt.keyring} (rule ${decision.rule})`
    case 'provider':
      return `encrypt by the provider's own ${methodText(decision.effect.method)} (rule ${decision.rule})`
    case 'passthrough':
      return `pass through (rule ${decision.rule})`
    case 'deny':
      return `deny: ${decision.reason}`
  }
}

const keyText = (key: CustomerKey | undefined): string =>
  key === undefined ? 'no key' : `${key.keyring}/${key.version} (key MD5 ${key.md5})`

const headerRows = (place: KeyPlace, key: CustomerKey | undefined): Row[] => {
  if (key === undefined) return []
  const names = SSE_C_HEADERS[place]
  return [
    ['header', `${names.algorithm}: AES256`],
    ['header', `${names.key}: [secret]`],
    ['header', `${names.md5}: ${key.md5}`],
  ]
}

const attemptText = ({ object, source }: Attempt, copies: boolean): string =>
  copies ? `source with ${keyText(source)}, object with ${keyText(object)}` : keyText(object)

/** The first attempt's headers, and the order of all attempts. */
const attemptRows = (attempts: Attempts, copies: boolean): Row[] => [
  ...headerRows('object', attempts[0].object),
  ...headerRows('source', attempts[0].source),
  ...attempts.map((attempt, i): Row => ['attempt', `${i + 1}. ${attemptText(attempt, copies)}`]),
]

const methodRows = (decision: Decision, operation: Operation): Row[] =>
  decision.kind === 'deny'
    ? []
    : methodHeaders(decision, operation).map(
        ([name, value]): Row => ['header', `${name}: ${value}`],
      )

const uploadRows = ({ query }: S3Url, { kind }: Decision): Row[] =>
  kind === 'encrypt' && hasParameter(query, 'uploadId')
    ? [['upload', 'the upload id says with which version, and only that one is tried']]
    : []

/** Who carries a copy out. */
const copyRows = (operation: Operation, ability: CopyAbility, attempts: Attempts): Row[] => {
  const hasKeys = attempts.some(({ object, source }) => (object ?? source) !== undefined)
  if (!operation.source || !hasKeys || ability === 'full') return []
  return ability === 'same-key-parts' && operation.name === 'UploadPartCopy'
    ? [
        [
          'copy',
          "by the provider where the source has the upload's key, else read and written here",
        ],
      ]
    : [['copy', 'read and written here: the provider cannot copy with customer keys']]
}

const isDenied = (finding: Finding | undefined): boolean => finding?.decision.kind === 'deny'

/** The command `explain`: what would happen to a request, without sending any. */
export const explain = async (
  method: string,
  url: string,
  options: ExplainOptions,
  io: Io,
): Promise<number> => {
  const asked = parseS3Url(url)
  const headers: Headers = new Map((options.header ?? []).map(parseHeaderLine))
  const operation = recognise(method.toUpperCase(), asked.address, asked.query, headers)
  const ready = await getReady(toPath(io, options.config), io.env)
  const client = clientNamed(ready.config, options.client)
  io.stdout.write(table(rowsOf(ready, client, { ...asked, operation, headers })))
  return EXIT.ok
}

type Request = S3Url & { readonly operation: Operation; readonly headers: Headers }

const rowsOf = (ready: Ready, client: Client, request: Request): Row[] => {
  const { operation, address, headers } = request
  const policy = createPolicy(ready.config.rules)
  const place = address.level === 'object' ? address : undefined
  const object = findingOf(ready, policy.resolve(questionOf({ client, ...request })), place)
  const source = ofSource(ready, policy, client, operation, headers)
  const upstream = ready.config.upstreams.get(client.upstream)
  const profile = PROVIDERS.get(upstream?.provider ?? '')
  const rows: Row[] = [
    ['operation', `${operation.name} (${operation.class})`],
    ['client', client.name],
    ['upstream', `${client.upstream} (${upstream?.provider}, ${upstream?.endpoint})`],
    ['decision', decisionText(object.decision)],
    ...(source === undefined ? [] : [['source', decisionText(source.decision)] as const]),
  ]
  if (profile === undefined || isDenied(object) || isDenied(source)) return rows
  const attempts = attemptsOf(operation, profile, object, source)
  return [
    ...rows,
    ...uploadRows(request, object.decision),
    ...copyRows(operation, upstream?.copy ?? profile.copy, attempts),
    ...methodRows(object.decision, operation),
    ...attemptRows(attempts, source !== undefined),
  ]
}
