import { hkdfSync } from 'node:crypto'
import type { ObjectPlace } from '../s3/address.ts'

/** What shares a customer key: all objects of a version (the master itself), a bucket's, or none. */
export const DERIVATIONS = ['none', 'bucket', 'object'] as const

export type Derive = (typeof DERIVATIONS)[number]

/** HKDF's salt. It is fixed for ever: with another one, no object that was written could be read. */
const SALT = 'ssec-proxy customer key v1'

/** A name of S3 has no NUL, so one between them keeps `a`+`bc` and `ab`+`c` apart. */
const infoOf = (derive: Exclude<Derive, 'none'>, { bucket, objectKey }: ObjectPlace): string =>
  derive === 'bucket' ? `bucket\0${bucket}` : `object\0${bucket}\0${objectKey}`

/**
 * The 32 bytes of the customer key of a place: HKDF-SHA-256 (RFC 5869) of the master. `docs/keys.md` has the rule with
 * test vectors, and a reader that needs no proxy.
 *
 * The version's id and the keyring's name take no part, so that a master is enough to read with, whatever they were called.
 */
export const deriveKey = (
  master: Buffer,
  derive: Exclude<Derive, 'none'>,
  place: ObjectPlace,
): Buffer => Buffer.from(hkdfSync('sha256', master, SALT, infoOf(derive, place), 32))
