import { S3Error } from '../s3/error.ts'

/** What B2 makes of a name's ending when it is asked to. https://www.backblaze.com/docs/cloud-storage-content-type-mappings */
const ENDINGS: Readonly<Record<string, string>> = {
  avi: 'video/x-msvideo',
  bz2: 'application/x-bzip2',
  css: 'text/css',
  csv: 'text/csv',
  gif: 'image/gif',
  gz: 'application/gzip',
  htm: 'text/html',
  html: 'text/html',
  ico: 'image/x-icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'application/javascript',
  json: 'application/json',
  mov: 'video/quicktime',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  txt: 'text/plain',
  wav: 'audio/x-wav',
  webm: 'video/webm',
  xml: 'application/xml',
  zip: 'application/zip',
}

/**
 * The content type that a file is stored with.
 *
 * @throws {S3Error} `InvalidRequest` where it is missing, or no header takes it
 */
export const contentTypeOf = (said: string | undefined, fileName: string): string => {
  if (said === undefined || !/^[\x20-\xff]+$/.test(said))
    throw new S3Error('InvalidRequest', 'Content-Type is missing or malformed.')
  if (said !== 'b2/x-auto') return said
  const ending = /\.([a-z0-9]+)$/i.exec(fileName)?.[1]?.toLowerCase() ?? ''
  return Object.hasOwn(ENDINGS, ending) ? (ENDINGS[ending] ?? '') : 'application/octet-stream'
}
