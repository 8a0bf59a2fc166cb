import type { Keyring } from '../keys/keyring.ts'
import type { ObjectPlace } from '../s3/address.ts'
import { elementText, mapElementText } from '../s3/xml.ts'
import { sealListedUploadId } from '../ssec/upload-id.ts'
import { urlDecode } from './listing.ts'

/** The keyring that covers a place; undefined where none does, and the provider's own upload ids are shown. */
export type KeyringAt = (place: ObjectPlace) => Keyring | undefined

const sealAt = (keyringAt: KeyringAt, place: ObjectPlace, providerId: string): string => {
  const keyring = keyringAt(place)
  return keyring === undefined || providerId === ''
    ? providerId
    : sealListedUploadId(keyring, place, providerId)
}

/**
 * A ListMultipartUploads answer with the ids that the proxy takes back.
 *
 * @param isUrlAsked whether the client asked for `encoding-type=url`: RGW 16 then encodes the uploads' keys without saying so,
 * and leaves those of the markers as they are
 */
export const sealListedUploads = (
  xml: string,
  bucket: string,
  isUrlAsked: boolean,
  keyringAt: KeyringAt,
): string => {
  const isUrlEncoded = elementText(xml, 'EncodingType') === 'url'
  const keyOf = (part: string, element: string): string => {
    const text = elementText(part, element) ?? ''
    return isUrlEncoded || (isUrlAsked && element === 'Key') ? urlDecode(text) : text
  }
  const sealIn = (part: string, keyElement: string, idElement: string): string =>
    mapElementText(part, idElement, providerId =>
      sealAt(keyringAt, { bucket, objectKey: keyOf(part, keyElement) }, providerId),
    )
  const withUploads = xml.replace(/<Upload>[\s\S]*?<\/Upload>/g, upload =>
    sealIn(upload, 'Key', 'UploadId'),
  )
  return sealIn(
    sealIn(withUploads, 'KeyMarker', 'UploadIdMarker'),
    'NextKeyMarker',
    'NextUploadIdMarker',
  )
}
