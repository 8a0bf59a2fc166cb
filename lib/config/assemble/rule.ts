import type { Rule, RuleEffect } from '../../policy/rule.ts'
import { ENCRYPT_DEFAULTS, type RuleShape } from '../schema/rule.ts'

const effectOf = (value: RuleShape): RuleEffect => {
  if (value.encrypt !== undefined) {
    return {
      kind: 'encrypt',
      encrypt: value.encrypt,
      plaintextReads: value.plaintextReads ?? ENCRYPT_DEFAULTS.plaintextReads,
      clientKeys: value.clientKeys ?? ENCRYPT_DEFAULTS.clientKeys,
      conflicts: value.conflicts ?? ENCRYPT_DEFAULTS.conflicts,
      onUnconfirmed: value.onUnconfirmed ?? ENCRYPT_DEFAULTS.onUnconfirmed,
      responseHeaders: value.responseHeaders ?? ENCRYPT_DEFAULTS.responseHeaders,
      etag: value.etag,
    }
  }
  return { kind: value.passthrough ? 'passthrough' : 'deny' }
}

/** Makes a rule. */
export const assembleRule = (value: RuleShape): Rule => {
  const { name, clients, buckets, prefixes, operations } = value
  return { name, match: { clients, buckets, prefixes, operations }, effect: effectOf(value) }
}
