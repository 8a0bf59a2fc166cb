import type { KeyObject } from 'node:crypto'
import { Secret } from '../s3/secret.ts'
import type { CredentialScope } from '../sigv4/scope.ts'
import type { SigningKeys } from '../sigv4/signature.ts'
import type { Client } from './client.ts'

/** What a signature of an access key id is verified with. */
export interface Account {
  /** None when no client has the access key id. */
  readonly client: Client | undefined
  readonly key: KeyObject
}

/** The clients that sign, by access key id. */
export type Accounts = (accessKeyId: string, scope: CredentialScope) => Account

/** Stands in for the secret of an unknown access key id, so that it costs as much time as a known one. */
const NOBODY = new Secret('nobody')

export const createAccounts = (clients: readonly Client[], signingKeys: SigningKeys): Accounts => {
  const known = new Map(
    clients.flatMap(client => {
      const { proof } = client
      return proof.kind === 'signature'
        ? [[proof.accessKeyId, { client, secret: proof.secretAccessKey }] as const]
        : []
    }),
  )
  return (accessKeyId, scope) => {
    const account = known.get(accessKeyId)
    const name = account === undefined ? '' : accessKeyId
    return {
      client: account?.client,
      key: signingKeys.keyFor(account?.secret ?? NOBODY, name, scope),
    }
  }
}
