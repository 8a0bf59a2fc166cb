import type { ProviderMethod, Rule, RuleEffect } from '../../policy/rule.ts'
import { ENCRYPT_DEFAULTS, type RuleShape } from '../schema/rule.ts'

const methodOf = ({ sse, keyId }: NonNullable<RuleShape['encrypt']>): ProviderMethod =>
  sse === 'kms' ? { sse, keyId } : { sse: 's3' }

const effectOf = (value: RuleShape): RuleEffect => {
  const { encrypt } = value
  if (encrypt === undefined) return { kind: value.passthrough ? 'passthrough' : 'deny' }
  const shared = {
    plaintextReads: value.plaintextReads ?? ENCRYPT_DEFAULTS.plaintextReads,
    conflicts: value.conflicts ?? ENCRYPT_DEFAULTS.conflicts,
    onUnconfirmed: value.onUnconfirmed ?? ENCRYPT_DEFAULTS.onUnconfirmed,
  }
  if (encrypt.keyring !== undefined) {
    return {
      kind: 'encrypt',
      encrypt: { keyring: encrypt.keyring },
      ...shared,
      clientKeys: value.clientKeys ?? ENCRYPT_DEFAULTS.clientKeys,
      responseHeaders: value.responseHeaders ?? ENCRYPT_DEFAULTS.responseHeaders,
      etag: value.etag,
    }
  }
  return { kind: 'provider', method: methodOf(encrypt), ...shared }
}

/** Makes a rule. */
export const assembleRule = (value: RuleShape): Rule => {
  const { name, clients, buckets, prefixes, operations } = value
  return { name, match: { clients, buckets, prefixes, operations }, effect: effectOf(value) }
}
