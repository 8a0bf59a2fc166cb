import { S3Error } from './error.ts'

/** Parameters that narrow an operation and never choose one. */
export const ORDINARY_PARAMETERS: ReadonlySet<string> = new Set([
  'AWSAccessKeyId',
  'AccessKeyId',
  'Expires',
  'Policy',
  'Signature',
  'allow-unordered',
  'bucket-region',
  'continuation-token',
  'delimiter',
  'encoding-type',
  'fetch-owner',
  'key-marker',
  'list-type',
  'marker',
  'max-buckets',
  'max-keys',
  'max-parts',
  'max-uploads',
  'metadata',
  'part-number-marker',
  'partNumber',
  'prefix',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'select-type',
  'start-after',
  'upload-id-marker',
  'version-id-marker',
  'versionId',
])

/** Sub-resources of OBS that change an object in place: https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0113.html */
const IN_PLACE = new Map([
  ['append', 'AppendObject'],
  ['modify', 'ModifyObject'],
  ['rename', 'RenameObject'],
  ['truncate', 'TruncateObject'],
])

/** The error for a parameter that no operation has. */
export const unknownParameter = (name: string): S3Error => {
  const operation = IN_PLACE.get(name)
  return new S3Error(
    'NotImplemented',
    operation === undefined
      ? `The query parameter '${name}' is not implemented by this proxy.`
      : `${operation} is not implemented by this proxy: S3 stores an object whole, and cannot change one in place. Upload it anew, or in parts.`,
  )
}
