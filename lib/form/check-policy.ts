import { S3Error } from '../s3/error.ts'
import type { Form } from './form.ts'
import type { Condition, PolicyDocument } from './policy-document.ts'

/** As much of a form as a policy document speaks of. */
type Judged = Pick<Form, 'bucket' | 'fields' | 'length'>

const invalid = (detail: string): S3Error =>
  new S3Error('AccessDenied', `Invalid according to Policy: ${detail}`)

/**
 * Holds a form against the policy document that was signed for it.
 *
 * @throws {S3Error} `AccessDenied`, `EntityTooSmall`, `EntityTooLarge` in AWS's words
 */
export const checkPolicy = (
  { expiration, conditions }: PolicyDocument,
  form: Judged,
  now: Date,
): void => {
  if (now >= expiration) throw invalid('Policy expired.')
  checkCovered(conditions, form)
  for (const condition of conditions) checkCondition(condition, form)
}

const EXEMPT = new Set([
  'accesskeyid',
  'awsaccesskeyid',
  'file',
  'policy',
  'signature',
  'token',
  'x-amz-signature',
  'x-goog-signature',
])
const isExempt = (name: string): boolean => EXEMPT.has(name) || name.startsWith('x-ignore-')

/** Whoever signed must have thought of every field; the bucket counts as one. */
const checkCovered = (conditions: readonly Condition[], { fields }: Judged): void => {
  const covered = new Set(conditions.flatMap(each => ('field' in each ? [each.field] : [])))
  const names = new Set([...fields.keys(), 'bucket'])
  const extra = [...names].filter(name => !isExempt(name) && !covered.has(name))
  if (extra.length > 0) throw invalid(`Extra input fields: ${extra.join(', ')}`)
}

const checkCondition = (condition: Condition, form: Judged): void => {
  if (condition.kind === 'content-length-range') {
    checkSize(condition, form.length)
  } else if (!holds(condition, givenValue(condition.field, form))) {
    const { kind, field, value } = condition
    const words = [kind, `$${field}`, value].map(word => JSON.stringify(word))
    throw invalid(`Policy Condition failed: [${words.join(', ')}]`)
  }
}

const givenValue = (field: string, { bucket, fields }: Judged): string =>
  field === 'bucket' ? bucket : (fields.get(field) ?? '')

type Match = Exclude<Condition, { kind: 'content-length-range' }>

const holds = ({ kind, field, value }: Match, given: string): boolean => {
  if (kind === 'eq') return given === value
  // Of a list of content types, each must be allowed.
  const list = field === 'content-type' ? given.split(/,\s*/) : [given]
  return list.every(each => each.startsWith(value))
}

const checkSize = (
  { min, max }: Extract<Condition, { kind: 'content-length-range' }>,
  length: number,
): void => {
  const ProposedSize = String(length)
  if (length < min) {
    throw new S3Error('EntityTooSmall', undefined, {
      details: { ProposedSize, MinSizeAllowed: String(min) },
    })
  }
  if (length > max) {
    throw new S3Error('EntityTooLarge', undefined, {
      details: { ProposedSize, MaxSizeAllowed: String(max) },
    })
  }
}
