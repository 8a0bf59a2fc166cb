import { escapeXml } from './xml.ts'

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
