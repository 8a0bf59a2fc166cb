import { escapeXml } from '../s3/xml.ts'
import type { Checksum } from './store/records.ts'

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** An element with text; nothing where the value is undefined. */
export const text = (name: string, value: string | number | boolean | undefined): string =>
  value === undefined ? '' : `<${name}>${escapeXml(String(value))}</${name}>`

/** An element of elements. */
export const group = (name: string, ...children: readonly string[]): string =>
  `<${name}>${children.join('')}</${name}>`

/** A whole document. */
export const document = (root: string, ...children: readonly string[]): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${children.join('')}</${root}>`

/** An ETag as the wire has it. */
export const quoted = (etag: string): string => `"${etag}"`

/** There are no accounts, so all is one's. */
export const owner = (name = 'Owner'): string =>
  group(name, text('ID', 'ssec-proxy-embedded'), text('DisplayName', 'ssec-proxy-embedded'))

/** The elements that tell a checksum: first its value. */
export const checksumElements = (checksum: Checksum | undefined): readonly string[] =>
  checksum === undefined
    ? []
    : [text(`Checksum${checksum.algorithm}`, checksum.value), text('ChecksumType', checksum.type)]
