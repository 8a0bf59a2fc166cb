/** A bucket's object. */
export interface Place {
  readonly bucket: string
  readonly objectKey: string
}

const encodeSegment = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** An object key as it stands in a path or in a copy source. */
export const encodeKey = (objectKey: string): string =>
  objectKey.split('/').map(encodeSegment).join('/')

/** Path of a bucket, or of an object in it, in path style. */
export const pathOf = ({ bucket, objectKey }: Partial<Place>): string => {
  if (bucket === undefined) return '/'
  return objectKey === undefined ? `/${bucket}` : `/${bucket}/${encodeKey(objectKey)}`
}
