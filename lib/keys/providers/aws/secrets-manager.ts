import { randomUUID } from 'node:crypto'
import type { KeyVersion } from '../../keyring.ts'
import { parseKeyringText } from '../document.ts'
import { keyringJson } from '../file.ts'
import { type KeyProvider, KeyProviderError } from '../provider.ts'
import { type AwsCall, AwsRefusal } from './call.ts'

/** A secret of AWS Secrets Manager, whose current value is a keyring document, or one bare key. */
export interface SecretPlace {
  /** Name or ARN. */
  readonly secretId: string
}

/** The staging label of the value that counts. */
const CURRENT = 'AWSCURRENT'

/** What stands at a version before it is the current one. */
const NEXT = 'ssec-proxy-next'

interface Current {
  readonly versions: readonly KeyVersion[]
  /** Secrets Manager's own id of the value. */
  readonly valueId: string
}

const currentOf = async (call: AwsCall, { secretId }: SecretPlace): Promise<Current> => {
  const fields = await call('GetSecretValue', { SecretId: secretId, VersionStage: CURRENT })
  const { SecretString: text, VersionId: valueId } = fields
  if (typeof text !== 'string' || typeof valueId !== 'string') {
    throw new KeyProviderError(`The secret ${secretId} is no text. Write a keyring document.`)
  }
  return { versions: parseKeyringText(`the secret ${secretId}`, text), valueId }
}

/** A keyring in AWS Secrets Manager. */
export const createSecretProvider = (call: AwsCall, place: SecretPlace): KeyProvider => ({
  fetch: async () => (await currentOf(call, place)).versions,
})

/**
 * Makes another value the current one, if still the one is it that was read: AWSCURRENT moves only from where it was then.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
 */
const replaceCurrent = async (
  call: AwsCall,
  { secretId: SecretId }: SecretPlace,
  before: string,
  text: string,
): Promise<void> => {
  const after = randomUUID()
  const value = { ClientRequestToken: after, SecretString: text, VersionStages: [NEXT] }
  await call('PutSecretValue', { SecretId, ...value })
  const move = { MoveToVersionId: after, RemoveFromVersionId: before }
  try {
    await call('UpdateSecretVersionStage', { SecretId, VersionStage: CURRENT, ...move })
  } catch (cause) {
    if (!(cause instanceof AwsRefusal && cause.code === 'InvalidParameterException')) throw cause
    throw new KeyProviderError('Somebody else has changed the secret meanwhile. Try again.', {
      cause,
    })
  }
}

/**
 * Puts a version on top of the keyring in a secret, if nobody else was faster.
 *
 * @param freshOf makes it, knowing those before
 * @returns its id
 * @throws {KeyProviderError}
 */
export const addSecretVersion = async (
  call: AwsCall,
  place: SecretPlace,
  freshOf: (versions: readonly KeyVersion[]) => KeyVersion,
): Promise<string> => {
  const { versions, valueId } = await currentOf(call, place)
  const fresh = freshOf(versions)
  await replaceCurrent(call, place, valueId, keyringJson([fresh, ...versions]))
  return fresh.id
}
