import { S3Error } from '../s3/error.ts'

/** What a policy document demands of a form. */
export type Condition =
  | {
      readonly kind: 'eq' | 'starts-with'
      /** The field that it speaks of, in lower case. */
      readonly field: string
      readonly value: string
    }
  | { readonly kind: 'content-length-range'; readonly min: number; readonly max: number }

/** What whoever signed a form allows its sender. */
export interface PolicyDocument {
  readonly expiration: Date
  readonly conditions: readonly Condition[]
}

const invalid = (detail: string): S3Error =>
  new S3Error('InvalidPolicyDocument', `Invalid Policy: ${detail}`)

/**
 * Reads a form's `policy` field.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 *
 * @throws {S3Error} `InvalidPolicyDocument`
 */
export const parsePolicyDocument = (base64: string): PolicyDocument => {
  const { expiration, conditions } = parseObject(Buffer.from(base64, 'base64').toString('utf8'))
  if (!Array.isArray(conditions)) throw invalid('Policy missing conditions.')
  return { expiration: parseExpiration(expiration), conditions: conditions.map(parseCondition) }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parseObject = (text: string): Readonly<Record<string, unknown>> => {
  const value = parseJson(text)
  if (isObject(value)) return value
  throw invalid('Invalid JSON.')
}

// S3 knows two escapes that JSON does not.
const OWN_ESCAPES: Readonly<Record<string, string>> = { '\\$': '$', '\\v': '\\u000b' }

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text.replace(/\\[\s\S]/g, pair => OWN_ESCAPES[pair] ?? pair))
  } catch {
    throw invalid('Invalid JSON.')
  }
}

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/

const parseExpiration = (value: unknown): Date => {
  if (value === undefined) throw invalid('Policy missing expiration.')
  const date = typeof value === 'string' && UTC.test(value) ? new Date(value) : undefined
  if (date !== undefined && !Number.isNaN(date.getTime())) return date
  throw invalid(`Invalid 'expiration' value: '${String(value)}'`)
}

const parseCondition = (condition: unknown): Condition => {
  if (Array.isArray(condition)) return parseOperation(condition)
  const [entry, another] = isObject(condition) ? Object.entries(condition) : []
  if (entry === undefined || another !== undefined) {
    throw invalid(
      'Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.',
    )
  }
  const [name, value] = entry
  return { kind: 'eq', field: name.toLowerCase(), value: parseText(value) }
}

const parseOperation = (condition: readonly unknown[]): Condition => {
  const [operator, first, second] = condition
  if (condition.length !== 3) throw invalid('Invalid Condition: wrong number of arguments.')
  const kind = typeof operator === 'string' ? operator.toLowerCase() : undefined
  if (kind === 'content-length-range') {
    return { kind, min: parseSize(first), max: parseSize(second) }
  }
  if (kind !== 'eq' && kind !== 'starts-with') {
    throw invalid(`Invalid Condition: unknown operation '${String(operator)}'.`)
  }
  return { kind, field: parseFieldName(first), value: parseText(second) }
}

const parseFieldName = (value: unknown): string => {
  if (typeof value === 'string' && /^\$./s.test(value)) return value.slice(1).toLowerCase()
  throw invalid('Invalid Condition: a field is named with a $ before it.')
}

const parseText = (value: unknown): string => {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw invalid('Invalid Condition: a value must be a text.')
}

const parseSize = (value: unknown): number => {
  const text = String(value)
  const size = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(size)) return size
  throw invalid('Invalid content-length-range: a size must be a number of bytes.')
}
