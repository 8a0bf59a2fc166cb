import type { CustomerKey } from '../keys/customer-key.ts'
import type { Keys } from '../keys/find-keys.ts'
import type { Operation } from '../s3/operation.ts'

/** One way to send a request: with these keys, or with none. */
export interface Attempt {
  readonly object: CustomerKey | undefined
  readonly source: CustomerKey | undefined
}

export type Attempts = readonly [Attempt, ...Attempt[]]

export interface AttemptQuestion {
  readonly operation: Operation
  /** What the object may be encrypted with, newest first; undefined where no key belongs. */
  readonly object: Keys | undefined
  /** Whether the object may be plaintext, too. */
  readonly plaintextObject: boolean
  readonly source: Keys | undefined
  readonly plaintextSource: boolean
}

type Choices = readonly [CustomerKey | undefined, ...(CustomerKey | undefined)[]]

const choices = (keys: Keys | undefined, plaintext: boolean): Choices => {
  if (keys === undefined) return [undefined]
  return plaintext ? [...keys, undefined] : keys
}

const mapChoices = (
  [first, ...others]: Choices,
  toAttempt: (key: CustomerKey | undefined) => Attempt,
): Attempts => [toAttempt(first), ...others.map(toAttempt)]

/**
 * The ordered ways to send a request.
 *
 * Which version wrote an object cannot be read without its key, so what reads tries the newest, then the older ones,
 * then, where plaintext reads are allowed, none. What writes takes the first key alone; a copy writes with that and
 * reads its source as said.
 */
export const attemptsFor = (question: AttemptQuestion): Attempts => {
  const { operation, object, source } = question
  const [newest] = choices(object, false)
  if (operation.source) {
    return mapChoices(choices(source, question.plaintextSource), key => ({
      object: newest,
      source: key,
    }))
  }
  if (operation.echo && operation.class === 'write') return [{ object: newest, source: undefined }]
  return mapChoices(
    choices(object, question.plaintextObject && operation.class === 'read'),
    key => ({
      object: key,
      source: undefined,
    }),
  )
}

/** `attempts` with those of the remembered version first. */
export const rememberedFirst = (attempts: Attempts, version: string | undefined): Attempts => {
  const first = attempts.find(attempt => versionRead(attempt) === version)
  if (first === undefined || version === undefined) return attempts
  return [first, ...attempts.filter(attempt => attempt !== first)]
}

/** Stands for no key in what is remembered. */
const NO_KEY = 'none'

/** Keyring and version of the key that an attempt reads with. */
export const versionRead = ({ object, source }: Attempt): string => {
  const key = source ?? object
  return key === undefined ? NO_KEY : `${key.keyring}/${key.version}`
}
