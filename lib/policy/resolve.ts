import type { Operation } from '../s3/operation.ts'
import { compileGlob, isEverything } from './glob.ts'
import type { Rule, RuleEffect, RuleMatch } from './rule.ts'
import { RuleIndex } from './rule-index.ts'

/** What a request wants to do, and where. */
export interface Question {
  /** Name of the client. */
  readonly client: string
  readonly operation: Pick<Operation, 'name' | 'class'>
  /** None at the service level (ListBuckets). */
  readonly bucket?: string | undefined
  /** The object key, or a listing's `prefix` parameter. */
  readonly objectKey?: string | undefined
}

/** What the policy says of a request, and the name of the rule that said it. */
export type Decision =
  | {
      readonly kind: 'encrypt'
      readonly rule: string
      readonly effect: Extract<RuleEffect, { kind: 'encrypt' }>
    }
  | {
      readonly kind: 'provider'
      readonly rule: string
      readonly effect: Extract<RuleEffect, { kind: 'provider' }>
    }
  | { readonly kind: 'passthrough'; readonly rule: string }
  | { readonly kind: 'deny'; readonly rule: string | undefined; readonly reason: string }

/** The rules, ready to be asked. */
export interface Policy {
  resolve(question: Question): Decision
}

type Condition = (question: Question) => boolean

const clientIn = (names: readonly string[]): Condition => {
  const clients = new Set(names)
  return ({ client }) => clients.has(client)
}

// The service level names no bucket: only a rule about all buckets speaks of it.
const bucketIn = (globs: readonly string[]): Condition => {
  const tests = globs.map(compileGlob)
  const all = globs.some(isEverything)
  return ({ bucket }) => (bucket === undefined ? all : tests.some(test => test(bucket)))
}

const objectKeyUnder =
  (prefixes: readonly string[]): Condition =>
  ({ objectKey }) =>
    objectKey !== undefined && prefixes.some(prefix => objectKey.startsWith(prefix))

const operationIn = (namesAndClasses: readonly string[]): Condition => {
  const wanted = new Set(namesAndClasses)
  return ({ operation }) => wanted.has(operation.name) || wanted.has(operation.class)
}

const conditionsOf = ({ clients, buckets, prefixes, operations }: RuleMatch): Condition[] => [
  ...(clients === undefined ? [] : [clientIn(clients)]),
  ...(operations === undefined ? [] : [operationIn(operations)]),
  ...(buckets === undefined ? [] : [bucketIn(buckets)]),
  ...(prefixes === undefined ? [] : [objectKeyUnder(prefixes)]),
]

const decisionOf = ({ name, effect }: Rule, { operation }: Question): Decision => {
  switch (effect.kind) {
    case 'encrypt':
      return { kind: 'encrypt', rule: name, effect }
    case 'provider':
      return { kind: 'provider', rule: name, effect }
    case 'passthrough':
      return { kind: 'passthrough', rule: name }
    case 'deny':
      return { kind: 'deny', rule: name, reason: `Rule '${name}' denies ${operation.name} here.` }
  }
}

/** Compiles rules into a policy: the first rule that matches decides, and none at all means deny. */
export const createPolicy = (rules: readonly Rule[]): Policy => {
  const index = new RuleIndex(
    rules.map(rule => [rule.match, { rule, conditions: conditionsOf(rule.match) }] as const),
  )
  return {
    resolve: question => {
      const found = index.first(question, ({ conditions }) =>
        conditions.every(condition => condition(question)),
      )
      if (found !== undefined) return decisionOf(found.rule, question)
      const reason = `No rule of the policy allows ${question.operation.name} here.`
      return { kind: 'deny', rule: undefined, reason }
    },
  }
}
