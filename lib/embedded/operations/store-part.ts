import { randomBytes } from 'node:crypto'
import type { OpenBody } from '../body/open-body.ts'
import type { CustomerKey } from '../ssec.ts'
import type { Bucket } from '../store/bucket.ts'
import type { Part } from '../store/records.ts'

/**
 * Stores bytes as a part, which no object and no upload names yet.
 *
 * The ETag of encrypted bytes is random: AWS's differs for identical bytes and keys, too.
 */
export const storePart = async (
  { segments }: Bucket,
  number: number,
  source: Pick<OpenBody, 'bytes' | 'digests'>,
  key: CustomerKey | undefined,
): Promise<Part> => {
  const segment = await segments.write(source.bytes, key?.bytes)
  const { md5, checksum } = source.digests()
  const etag = key === undefined ? md5 : randomBytes(16).toString('hex')
  return { number, etag, lastModified: new Date().toISOString(), checksum, segment }
}
