import type { BodyFilter } from '../s3/body.ts'
import { percentDecode } from '../s3/encoding.ts'
import { markEtag } from '../s3/etag.ts'
import { characterData } from '../s3/xml.ts'
import type { EtagsAt } from '../ssec/etag.ts'
import { childXml, type Element, rewriteElements, withChildXml, xmlOf } from './elements.ts'

/** What stands for an object in a listing of objects, and in one of versions. */
const LISTED: ReadonlySet<string> = new Set(['Contents', 'Version'])

/** A key as `encoding-type=url` has it. Some providers ignore that, and a key may have a `%` of its own. */
export const urlDecode = (text: string): string => {
  try {
    return percentDecode(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

const objectKeyOf = (element: Element, isUrlEncoded: boolean): string | undefined => {
  const xml = childXml(element, 'Key')
  if (xml === undefined) return undefined
  const text = characterData(Buffer.from(xml, 'latin1').toString('utf8'))
  return isUrlEncoded ? urlDecode(text) : text
}

/**
 * Marks ETags in a listing, each as those of its key are shown: a listing does not tell which objects are encrypted,
 * and where rules about prefixes split a bucket, it has objects of both kinds.
 *
 * @param isUrlEncoded whether the client asked for `encoding-type=url`; some providers say so themselves only at the end
 */
export const markListing = (bucket: string, isUrlEncoded: boolean, etagsAt: EtagsAt): BodyFilter =>
  rewriteElements(LISTED, element => {
    const objectKey = objectKeyOf(element, isUrlEncoded)
    return objectKey === undefined || etagsAt({ bucket, objectKey }) === 'as-is'
      ? xmlOf(element)
      : withChildXml(element, 'ETag', markEtag)
  })
