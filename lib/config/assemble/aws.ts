import { resolve } from 'node:path'
import type { AwsConnection, AwsService } from '../../keys/providers/aws/call.ts'
import type { KeyringSource } from '../../keys/providers/load.ts'
import type { Path } from '../../yaml/fault.ts'
import { originOf } from '../checks/upstreams.ts'
import { type AwsShape, type KmsShape, regionOf, type SecretShape } from '../schema/aws.ts'
import { readCertificates, readCredentials, type Sources } from '../sources.ts'

/** https://docs.aws.amazon.com/general/latest/gr/kms.html */
const endpointOf = (service: AwsService, region: string): string =>
  `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`

const connectionOf = async (
  sources: Sources,
  path: Path,
  service: AwsService,
  shape: AwsShape,
): Promise<AwsConnection | undefined> => {
  const region = regionOf(shape)
  if (region === undefined) return undefined
  const { credentials: ref, timeout } = shape
  const credentials = await readCredentials(sources, [...path, 'credentials'], ref, region)
  const ca = shape.ca && (await readCertificates(sources, [...path, 'ca'], shape.ca))
  const endpoint = originOf(shape.endpoint ?? endpointOf(service, region))
  return credentials && { endpoint, region, credentials, ca, timeout }
}

/** Where a keyring whose keys AWS KMS wraps is to be fetched; undefined where what it takes cannot be had, which is reported. */
export const kmsSource = async (
  sources: Sources,
  path: Path,
  keyring: KmsShape,
): Promise<KeyringSource | undefined> => {
  const { keyId, olderKeyIds, ttl, grace, derive } = keyring
  const connection = await connectionOf(sources, path, 'kms', keyring)
  const file = resolve(sources.folder, keyring.path)
  const refresh = { ttl, grace }
  return (
    connection && { kind: 'awsKms', path: file, keyId, olderKeyIds, connection, refresh, derive }
  )
}

/** The same of a keyring in AWS Secrets Manager. */
export const secretSource = async (
  sources: Sources,
  path: Path,
  keyring: SecretShape,
): Promise<KeyringSource | undefined> => {
  const { provider: kind, secretId, ttl, grace, derive } = keyring
  const connection = await connectionOf(sources, path, 'secretsmanager', keyring)
  return connection && { kind, secretId, connection, refresh: { ttl, grace }, derive }
}
