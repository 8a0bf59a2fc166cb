import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Secret } from '../s3/secret.ts'
import { AWS4, type CredentialScope, type Spelling, scopeText } from './scope.ts'

/** SigV4's name for its algorithm. */
export const ALGORITHM = AWS4.algorithm

/**
 * SigV4's string to sign of a canonical request.
 *
 * @param date as `amzDate` gives it
 */
export const stringToSign = (
  date: string,
  scope: CredentialScope,
  canonical: string,
  spelling: Spelling = AWS4,
): string => [spelling.algorithm, date, scopeText(scope, spelling), sha256(canonical)].join('\n')

const sha256 = (binary: string): string => hash('sha256', Buffer.from(binary, 'latin1'), 'hex')

/** A signature in hex. */
export const signatureOf = (key: KeyObject, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex')

/** The signing keys of secret access keys. */
export interface SigningKeys {
  /** @param spelling AWS's when left out */
  keyFor(
    secret: Secret<string>,
    accessKeyId: string,
    scope: CredentialScope,
    spelling?: Spelling,
  ): KeyObject
}

interface Entry {
  readonly secret: Secret<string>
  readonly key: KeyObject
}

/** Entries kept at most: a key pair has one for each region and day it is used in. */
const CACHED = 1024

/**
 * Signing keys, remembered: deriving one costs four HMACs, more than all the rest of a signature.
 *
 * An entry answers only to the secret it was derived from, so that a changed secret counts at once.
 */
export const createSigningKeys = (): SigningKeys => {
  const cache = new LRUCache<string, Entry>({ max: CACHED })
  return {
    keyFor: (secret, accessKeyId, scope, spelling = AWS4) => {
      const name = `${accessKeyId}/${scopeText(scope, spelling)}`
      const known = cache.get(name)
      if (known?.secret === secret) return known.key
      const key = deriveKey(secret, scope, spelling)
      cache.set(name, { secret, key })
      return key
    },
  }
}

// A KeyObject, for on Node 24 an HMAC with a raw key costs four times as much.
const deriveKey = (
  secret: Secret<string>,
  scope: CredentialScope,
  spelling: Spelling,
): KeyObject => {
  const date = hmac(`${spelling.keyPrefix}${secret.expose()}`, scope.date)
  const region = hmac(date, scope.region)
  const service = hmac(region, scope.service)
  return createSecretKey(hmac(service, spelling.terminator))
}

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()
