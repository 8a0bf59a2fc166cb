import { S3Error } from '../s3/error.ts'
import { AWS4, GOOG4, type Spelling } from '../sigv4/scope.ts'
import type { Client, Scheme } from './client.ts'

/** What a client may sign with whose configuration does not say. */
export const USUAL_SCHEMES: readonly Scheme[] = ['v4']

/** The schemes that a client may sign with; none for one that signs nothing. */
export const schemesOf = ({ proof }: Client): readonly Scheme[] =>
  proof.kind === 'signature' ? (proof.schemes ?? USUAL_SCHEMES) : []

/** The name that a client's configuration has for a spelling of version 4. */
export const sigv4Scheme = (spelling: Spelling): Scheme => (spelling === GOOG4 ? 'goog4' : 'v4')

/** The error for a way to sign that the proxy does not take, in AWS's words. */
export const unsupportedMechanism = (): S3Error =>
  new S3Error(
    'InvalidRequest',
    `The authorization mechanism you have provided is not supported. Please use ${AWS4.algorithm}.`,
  )

/**
 * Refuses a scheme that none of the clients may use, before anything of the signature is looked at.
 *
 * @throws {S3Error} `InvalidRequest`
 */
export const createOffer = (clients: readonly Client[]): ((scheme: Scheme) => void) => {
  const offered = new Set(clients.flatMap(schemesOf))
  return scheme => {
    if (scheme !== 'v4' && !offered.has(scheme)) throw unsupportedMechanism()
  }
}

/**
 * Holds a scheme against what the client may use. To be called once its signature has been verified: what a client may
 * do is nobody else's business.
 *
 * @throws {S3Error} `InvalidRequest`
 */
export const checkScheme = (client: Client, scheme: Scheme): void => {
  const schemes = schemesOf(client)
  if (schemes.includes(scheme)) return
  throw new S3Error(
    'InvalidRequest',
    `The client '${client.name}' of this proxy may not sign with ${scheme}, but with ${schemes.join(', ')}. Change the app's signature version, or add ${scheme} to the client's signatures in the proxy's configuration.`,
  )
}
