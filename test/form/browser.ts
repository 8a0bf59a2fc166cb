import { createHmac } from 'node:crypto'
import { APP } from '../support/proxy.ts'

/** A form's fields, in the order in which they are sent. */
export type FieldList = readonly (readonly [name: string, value: string])[]

export interface SentForm {
  readonly fields: FieldList
  readonly file?: Buffer | string
  /** As the browser has it, with its quotes already escaped. */
  readonly filename?: string
  /** What stands behind the file; `--` and a line end when left out. */
  readonly behind?: string
  readonly boundary?: string
}

export const BOUNDARY = '----WebKitFormBoundary7MA4YWxkTrZu0gW'

export const contentType = (boundary = BOUNDARY): string =>
  `multipart/form-data; boundary=${boundary}`

/** A form's body as Chromium writes it. */
export const formBody = ({ fields, file, filename = 'a.txt', ...rest }: SentForm): Buffer => {
  const { boundary = BOUNDARY, behind = '--\r\n' } = rest
  const parts = fields.map(
    ([name, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\nContent-Type: text/plain\r\n\r\n`
  return Buffer.concat([
    Buffer.from(parts.join('')),
    ...(file === undefined ? [] : [Buffer.from(head), Buffer.from(file), Buffer.from('\r\n')]),
    Buffer.from(`--${boundary}${behind}`),
  ])
}

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/** SigV4 of a policy, step by step as AWS's page has it. */
export const signPolicy = (policy: string, day: string, secret = APP.secretAccessKey): string => {
  const dateKey = hmac(`AWS4${secret}`, day)
  const signingKey = ['us-east-1', 's3', 'aws4_request'].reduce(hmac, dateKey)
  return hmac(signingKey, policy).toString('hex')
}

export interface Signing {
  readonly conditions: readonly unknown[]
  readonly fields: FieldList
  readonly now?: Date
  readonly expiration?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** Fields of a form with the policy that allows them, signed as a server that hands out forms does. */
export const signedFields = ({ conditions, fields, ...rest }: Signing): FieldList => {
  const { now = new Date(), credentials = APP } = rest
  const date = now.toISOString().replace(/[-:]|\.\d{3}/g, '')
  const day = date.slice(0, 8)
  const signature = {
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${credentials.accessKeyId}/${day}/us-east-1/s3/aws4_request`,
    'X-Amz-Date': date,
  }
  const document = {
    expiration: rest.expiration ?? new Date(now.getTime() + 60_000).toISOString(),
    conditions: [
      ...conditions,
      ...Object.entries(signature).map(([name, value]) => ({ [name]: value })),
    ],
  }
  const policy = Buffer.from(JSON.stringify(document)).toString('base64')
  return [
    ...fields,
    ...Object.entries(signature),
    ['Policy', policy],
    ['X-Amz-Signature', signPolicy(policy, day, credentials.secretAccessKey)],
  ]
}
