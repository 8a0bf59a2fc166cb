import type { EtagView } from '../s3/etag.ts'

/** How covered objects are encrypted. */
export interface Encrypt {
  readonly keyring: string
}

/** One of the provider's own methods, with keys that the provider keeps. */
export type ProviderMethod =
  | { readonly sse: 's3' }
  | {
      readonly sse: 'kms'
      /** Left out: the provider's default key. */
      readonly keyId?: string | undefined
    }

/** What a rule speaks of; an absent list means all. */
export interface RuleMatch {
  /** Client names. */
  readonly clients?: readonly string[] | undefined
  /** Globs: `*` any run of characters, `?` one. */
  readonly buckets?: readonly string[] | undefined
  /** Object key prefixes. A request that names no object key (a listing) is not matched by such a rule. */
  readonly prefixes?: readonly string[] | undefined
  /** Operation names or the classes read, write, list, delete, admin. */
  readonly operations?: readonly string[] | undefined
}

export type RuleEffect =
  | {
      readonly kind: 'encrypt'
      readonly encrypt: Encrypt
      /** Whether objects stored before the rule, in plaintext, may still be read. */
      readonly plaintextReads: 'allow' | 'deny'
      /** Whether a client may bring its own SSE-C key. */
      readonly clientKeys: 'accept' | 'reject'
      /** What happens to a client's own `x-amz-server-side-encryption*`. */
      readonly conflicts: 'remove' | 'reject'
      /** What happens to a write that the provider did not confirm as encrypted. */
      readonly onUnconfirmed: 'delete' | 'keep'
      /** Whether clients see the SSE-C headers of answers. */
      readonly responseHeaders: 'show' | 'hide'
      /** How clients see ETags, if not as the upstream says. */
      readonly etag?: EtagView | undefined
    }
  | {
      readonly kind: 'provider'
      readonly method: ProviderMethod
      /** Whether objects that no method encrypts may still be read. */
      readonly plaintextReads: 'allow' | 'deny'
      /** What happens to a client's own `x-amz-server-side-encryption*`. */
      readonly conflicts: 'remove' | 'reject'
      /** What happens to a write that the provider did not confirm as encrypted. */
      readonly onUnconfirmed: 'delete' | 'keep'
    }
  | { readonly kind: 'passthrough' }
  | { readonly kind: 'deny' }

export interface Rule {
  readonly name: string
  readonly match: RuleMatch
  readonly effect: RuleEffect
}
