import { covers } from '../../policy/covers.ts'
import { meant } from '../../yaml/nearest.ts'
import type { Part, Parts, Remark } from '../parts.ts'
import type { RuleShape } from '../schema/rule.ts'
import { checkUnique } from './unique.ts'

type RulePart = Part<RuleShape>

function* checkReferences({ path, options }: RulePart, { names }: Parts): Generator<Remark> {
  for (const [i, client] of (options.clients ?? []).entries()) {
    if (names.clients.has(client)) continue
    yield {
      path: [...path, 'clients', i],
      message: `names no client. ${meant(client, names.clients)}`,
    }
  }
  const keyring = options.encrypt?.keyring
  if (keyring !== undefined && !names.keyrings.has(keyring)) {
    const message = `names no keyring. ${meant(keyring, names.keyrings)}`
    yield { path: [...path, 'encrypt', 'keyring'], message }
  }
}

function* checkReachable(rules: readonly RulePart[]): Generator<Remark> {
  const earlier: RuleShape[] = []
  for (const { path, whole } of rules) {
    if (whole === undefined) continue
    const first = earlier.find(each => covers(each, whole))
    if (first !== undefined) {
      const message = `never decides: '${first.name}' above takes every request that would fit. Move it up, or remove it.`
      yield { path, message, warning: true }
    }
    earlier.push(whole)
  }
}

/** Rules that refer to nothing, or never decide. */
export function* checkRules(parts: Parts): Generator<Remark> {
  yield* checkUnique(
    parts.rules.map(({ path, options }) => ({ path: [...path, 'name'], key: options.name })),
    'is the name of an earlier rule, too. Give each its own.',
  )
  for (const part of parts.rules) yield* checkReferences(part, parts)
  if (parts.rules.length === 0) {
    const message = 'has no rule, so every request is denied. Add one.'
    yield { path: ['rules'], message, warning: true }
  }
  yield* checkReachable(parts.rules)
}
