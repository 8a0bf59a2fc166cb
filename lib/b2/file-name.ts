import { percentDecode } from '../s3/encoding.ts'

/**
 * Decodes as B2 does, which takes `+` for a space.
 * https://www.backblaze.com/docs/cloud-storage-native-api-string-encoding
 *
 * @throws {S3Error} `InvalidURI`
 */
export const decodeB2 = (raw: string): string => percentDecode(raw.replaceAll('+', '%20'))

/** A file name as it stands in a path or header: escaped, its `/` kept. One name has one spelling. */
export const encodeFileName = (name: string): string =>
  name.split('/').map(encodeURIComponent).join('/')
