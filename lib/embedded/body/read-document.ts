import { S3Error } from '../../s3/error.ts'
import { unescapeXml } from '../../s3/xml.ts'
import type { EmbeddedRequest } from '../request.ts'
import { openBody } from './open-body.ts'

/** More than 1000 object keys of 1024 bytes need. */
const MAX_BYTES = 4 * 1024 * 1024

/**
 * The content of a request document's root element.
 *
 * A document is short, and its form fixed: comments, CDATA and declarations, which no client writes, are refused rather
 * than half understood.
 *
 * @throws {S3Error} `MalformedXML`, `MaxMessageLengthExceeded`, and what is wrong with the body
 */
export const readDocument = async (request: EmbeddedRequest, root: string): Promise<string> => {
  const xml = await readText(request)
  const content = new RegExp(
    `^\\s*(?:<\\?xml[^>]*\\?>)?\\s*<${root}(?:\\s[^>]*)?>(.*)</${root}>\\s*$`,
    's',
  ).exec(xml)?.[1]
  if (content === undefined || content.includes('<!')) throw new S3Error('MalformedXML')
  return content
}

/** A body that is text, however it comes; empty when there is none. */
export const readText = async (request: EmbeddedRequest): Promise<string> => {
  const { headers } = request
  if (!headers.has('content-length') && !headers.has('transfer-encoding')) return ''
  const { bytes, length } = await openBody(request, { md5: false })
  if (length > MAX_BYTES) throw new S3Error('MaxMessageLengthExceeded')
  const chunks: Buffer[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** The contents of the elements `name`, in order. */
export const elements = (xml: string, name: string): readonly string[] =>
  [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?(?:/>|(?<!/)>(.*?)</${name}>)`, 'gs'))].map(
    ([, content]) => content ?? '',
  )

/**
 * The text of the one element `name`, unescaped; undefined when there is none.
 *
 * @throws {S3Error} `MalformedXML` when there are several, or elements within
 */
export const elementText = (xml: string, name: string): string | undefined => {
  const [content, another] = elements(xml, name)
  if (another !== undefined || content?.includes('<')) throw new S3Error('MalformedXML')
  return content === undefined ? undefined : unescapeXml(content)
}

/** The text of the one element `name`. @throws {S3Error} `MalformedXML` when there is none */
export const requiredText = (xml: string, name: string): string => {
  const found = elementText(xml, name)
  if (found === undefined) throw new S3Error('MalformedXML')
  return found
}
