import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HttpRequest } from '@smithy/protocol-http'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Test } from 'tap'

/** What the stubs answer to. */
export const AWS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'aws/secret+1',
  sessionToken: 'session-token',
}

type Fields = Readonly<Record<string, unknown>>
type Reply = readonly [status: number, fields: Fields]

export interface AwsCallSeen {
  readonly target: string
  readonly fields: Fields
}

/** What a test does to the service, and what it saw. */
export interface AwsServer {
  readonly endpoint: string
  readonly calls: AwsCallSeen[]
  /** Answers this to every call, when set; 0 breaks the connection. */
  fault: number | undefined
  /** Errors that the next calls get, first to last. */
  readonly errors: string[]
  /** What it does: action → answer. */
  readonly actions: Record<string, (fields: Fields) => Reply>
}

const refusal = (code: string, status = 400): Reply => [
  status,
  { __type: `com.amazonaws.stub#${code}`, message: 'words that nobody shall see' },
]

class Hash {
  readonly #hash
  constructor(secret?: unknown) {
    this.#hash =
      secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer)
  }
  update(chunk: Uint8Array | string): void {
    this.#hash.update(chunk)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

/** Whether the SDK's own signer comes to the same signature. */
const isSigned = async (
  service: string,
  request: IncomingMessage,
  body: string,
): Promise<boolean> => {
  const signer = new SignatureV4({
    service,
    region: 'eu-central-1',
    credentials: AWS,
    sha256: Hash,
    applyChecksum: false,
  })
  const { authorization, host, ...headers } = request.headers as Record<string, string>
  const signed = /SignedHeaders=([^,]*)/.exec(authorization ?? '')?.[1]?.split(';') ?? []
  const named = signed.map(name => [name, name === 'host' ? host : headers[name]])
  const again = await signer.sign(
    new HttpRequest({
      method: 'POST',
      hostname: host ?? '',
      path: '/',
      headers: Object.fromEntries(named),
      body,
    }),
    { signingDate: dateOf(headers['x-amz-date'] ?? '') },
  )
  return signed.includes('x-amz-security-token') && again.headers['authorization'] === authorization
}

const dateOf = (text: string): Date =>
  new Date(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const answer = async (
  server: AwsServer,
  service: string,
  request: IncomingMessage,
): Promise<Reply> => {
  const body = await textOf(request)
  const target = String(request.headers['x-amz-target'])
  const fields: Fields = JSON.parse(body)
  server.calls.push({ target, fields })
  if (server.fault !== undefined) return [server.fault, {}]
  if (!(await isSigned(service, request, body))) return refusal('InvalidSignatureException')
  const error = server.errors.shift()
  if (error !== undefined) return refusal(error)
  const action = server.actions[target.replace(/^.*\./, '')]
  return action === undefined ? refusal('UnknownOperationException') : action(fields)
}

/** A stub of a service that speaks `application/x-amz-json-1.1`; it takes what the SDK's own signer would have signed. */
const startService = async (t: Test, service: string): Promise<AwsServer> => {
  const state: AwsServer = { endpoint: '', calls: [], fault: undefined, errors: [], actions: {} }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [status, fields] = await answer(state, service, request)
    if (status === 0) return void request.socket.destroy()
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(fields))
  }
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return Object.assign(state, { endpoint: `http://127.0.0.1:${port}` })
}

const encrypt = (keyId: string, material: Buffer, key: Buffer, context: unknown): string => {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', material, iv)
  cipher.setAAD(Buffer.from(JSON.stringify(context)))
  const sealed = Buffer.concat([cipher.update(key), cipher.final()])
  return Buffer.from(
    JSON.stringify([keyId, ...[iv, sealed, cipher.getAuthTag()].map(each => each.toString('hex'))]),
  ).toString('base64')
}

const decrypt = (material: Buffer, blob: readonly string[], context: unknown): Buffer => {
  const [iv, sealed, tag] = blob.slice(1).map(each => Buffer.from(each, 'hex'))
  const decipher = createDecipheriv('aes-256-gcm', material, iv ?? '')
  decipher.setAAD(Buffer.from(JSON.stringify(context)))
  decipher.setAuthTag(tag ?? Buffer.alloc(16))
  return Buffer.concat([decipher.update(sealed ?? Buffer.alloc(0)), decipher.final()])
}

/**
 * A stub of AWS KMS with keys `one` and `two`. It is written after the API's pages
 * (https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html and their like); it is not the service itself.
 */
export const startKms = async (t: Test): Promise<AwsServer> => {
  const kms = await startService(t, 'kms')
  const keys = new Map(['one', 'two'].map(id => [id, randomBytes(32)]))
  const withKey = (fields: Fields, act: (id: string, material: Buffer) => Reply): Reply => {
    const id = String(fields['KeyId'])
    const material = keys.get(id)
    return material === undefined ? refusal('NotFoundException') : act(id, material)
  }
  const wrapped = (id: string, material: Buffer, key: Buffer, fields: Fields): Reply => [
    200,
    { KeyId: id, CiphertextBlob: encrypt(id, material, key, fields['EncryptionContext']) },
  ]
  return Object.assign(kms, {
    actions: {
      GenerateDataKeyWithoutPlaintext: fields =>
        withKey(fields, (id, material) => wrapped(id, material, randomBytes(32), fields)),
      Encrypt: fields =>
        withKey(fields, (id, material) =>
          wrapped(id, material, Buffer.from(String(fields['Plaintext']), 'base64'), fields),
        ),
      Decrypt: fields =>
        withKey(fields, (id, material) => {
          const blob = Buffer.from(String(fields['CiphertextBlob']), 'base64').toString()
          try {
            const parts: readonly string[] = JSON.parse(blob)
            if (parts[0] !== id) return refusal('IncorrectKeyException')
            const key = decrypt(material, parts, fields['EncryptionContext'])
            return [200, { KeyId: id, Plaintext: key.toString('base64') }]
          } catch {
            return refusal('InvalidCiphertextException')
          }
        }),
    } satisfies AwsServer['actions'],
  })
}

export interface SecretsServer extends AwsServer {
  /** The values of secret `ssec/main`, by id. */
  readonly values: Map<string, string>
  /** Which of them each staging label is at. */
  readonly labels: Map<string, string>
}

/**
 * A stub of AWS Secrets Manager with one secret, `ssec/main`. It is written after the API's pages
 * (https://docs.aws.amazon.com/secretsmanager/latest/apireference/); it is not the service itself.
 */
export const startSecrets = async (t: Test, text: string): Promise<SecretsServer> => {
  const server = await startService(t, 'secretsmanager')
  const values = new Map([['first', text]])
  const labels = new Map([['AWSCURRENT', 'first']])
  const withSecret = (fields: Fields, act: () => Reply): Reply =>
    fields['SecretId'] === 'ssec/main' ? act() : refusal('ResourceNotFoundException')
  const actions: AwsServer['actions'] = {
    GetSecretValue: fields =>
      withSecret(fields, () => {
        const VersionId = labels.get('AWSCURRENT') ?? ''
        return [200, { VersionId, SecretString: values.get(VersionId) }]
      }),
    PutSecretValue: fields =>
      withSecret(fields, () => {
        const id = String(fields['ClientRequestToken'])
        values.set(id, String(fields['SecretString']))
        for (const label of fields['VersionStages'] as string[]) labels.set(label, id)
        return [200, { VersionId: id }]
      }),
    UpdateSecretVersionStage: fields =>
      withSecret(fields, () => {
        const label = String(fields['VersionStage'])
        if (labels.get(label) !== fields['RemoveFromVersionId'])
          return refusal('InvalidParameterException')
        labels.set(label, String(fields['MoveToVersionId']))
        return [200, {}]
      }),
  }
  return Object.assign(server, { values, labels, actions })
}
