/** How an object's ETag is shown to clients: as the provider gives it, or marked as what it is: no MD5. */
export type EtagView = 'as-is' | 'mark'

// In a header the quotes are quotes, in a document they may be written as entities.
const QUOTE = '(?:"|&(?:quot|#0*34|#x0*22);)?'
const SINGLE_PART = new RegExp(`^(\\s*(?:W/)?${QUOTE}[0-9a-f]{32})(${QUOTE}\\s*)$`, 'i')
const MARKED = /(?<![\w-])([0-9a-f]{32})-0(?![\w-])/gi

/**
 * Marks an ETag of 32 hex digits with `-0`; any other is left alone, a multipart upload's `-N` among them.
 *
 * Clients take 32 hex digits for the MD5 of the bytes, which an SSE-C object's ETag is not, and what has a `-N` behind
 * it for a multipart upload's, which says nothing about the bytes. No upload has 0 parts.
 *
 * @param etag quoted or not, weak or not; the value of a header or the text of an element
 */
export const markEtag = (etag: string): string => etag.replace(SINGLE_PART, '$1-0$2')

/** Takes the marks off: an ETag, a header's list of them, a document full of them. */
export const unmarkEtags = (etags: string): string => etags.replace(MARKED, '$1')
