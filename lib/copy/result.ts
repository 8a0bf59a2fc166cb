import { checksumAlgorithm } from '../authenticate/checksum.ts'
import { type Headers, withHeaders, withoutHeaders } from '../s3/headers.ts'
import type { S3Response } from '../s3/response.ts'
import { escapeXml } from '../s3/xml.ts'
import type { Source } from './source.ts'

/** What a copy made, as its result document tells. */
export interface Made {
  readonly etag: string
  readonly lastModified: Date
  /** `ChecksumCRC32` and the like. */
  readonly checksums: readonly (readonly [element: string, value: string])[]
}

/** What a write's answer tells of what was written. */
export const madeBy = ({ headers }: S3Response, now: Date): Made => {
  const date = new Date(headers.get('date') ?? '')
  return {
    etag: headers.get('etag') ?? '',
    // A write's answer does not say when; it is dated, and that was just now.
    lastModified: Number.isNaN(date.getTime()) ? now : date,
    checksums: [...headers].flatMap(([name, value]) => {
      const algorithm = checksumAlgorithm(name)
      return algorithm === undefined ? [] : [[`Checksum${algorithm.label}`, value] as const]
    }),
  }
}

const resultXml = (root: string, { etag, lastModified, checksums }: Made): string => {
  const elements = [['LastModified', lastModified.toISOString()], ['ETag', etag], ...checksums]
  const inner = elements.map(([name, text = '']) => `<${name}>${escapeXml(text)}</${name}>`)
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner.join('')}</${root}>`
}

const OF_OBJECT = /^x-amz-(?!checksum-)/

const sourceVersion = ({ headers }: Source): readonly (readonly [string, string])[] => {
  const version = headers.get('x-amz-version-id')
  return version === undefined ? [] : [['x-amz-copy-source-version-id', version]]
}

/**
 * The answer to a copy that was streamed.
 *
 * @param root `CopyObjectResult` or `CopyPartResult`
 * @param written headers of the answer that confirmed what was written
 */
export const copyResult = (
  root: string,
  made: Made,
  written: Headers,
  source: Source,
): S3Response => {
  const body = Buffer.from(resultXml(root, made))
  const kept = withoutHeaders(written, name => !OF_OBJECT.test(name) && name !== 'date')
  const headers = withHeaders(kept, [
    ...sourceVersion(source),
    ['content-type', 'application/xml'],
    ['content-length', String(body.length)],
  ])
  return { status: 200, headers, body }
}
