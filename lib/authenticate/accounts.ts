import { Secret } from '../s3/secret.ts'
import type { Client } from './client.ts'

/** What a signature of an access key id is verified with. */
export interface Account {
  /** None when no client has the access key id. */
  readonly client: Client | undefined
  /** Keeps apart what is remembered of this account. */
  readonly accessKeyId: string
  readonly secret: Secret<string>
}

/** The clients that sign, by access key id. */
export type Accounts = (accessKeyId: string) => Account

/** Stands in for an unknown access key id, so that it costs as much time as a known one. */
const NOBODY: Account = { client: undefined, accessKeyId: '', secret: new Secret('nobody') }

export const createAccounts = (clients: readonly Client[]): Accounts => {
  const known = new Map(
    clients.flatMap(client => {
      const { proof } = client
      if (proof.kind !== 'signature') return []
      const { accessKeyId, secretAccessKey: secret } = proof
      return [[accessKeyId, { client, accessKeyId, secret }] as const]
    }),
  )
  return accessKeyId => known.get(accessKeyId) ?? NOBODY
}
