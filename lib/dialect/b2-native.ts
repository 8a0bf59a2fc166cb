import type { Quirk } from './profile.ts'

/** What an S3 client meets before B2's native API, which is carried out by `lib/b2-upstream`. */
export const B2_NATIVE_QUIRKS: readonly Quirk[] = [
  {
    what: 'ETags are made of the version’s id, and a part’s of its SHA-1. Every bucket keeps versions.',
    source: 'https://www.backblaze.com/docs/cloud-storage-file-versions',
  },
  {
    what: 'Conditional writes, tags, ACLs of objects, policies, CORS, lifecycle, website and notifications are refused with 501 and the name of what is missing.',
    source: 'https://www.backblaze.com/apidocs/introduction-to-the-b2-native-api',
  },
  {
    what: 'Up to 10 entries of metadata and content headers, 7000 bytes with the object key, 2048 beside encryption; no metadata name beginning with b2-.',
    source: 'https://www.backblaze.com/apidocs/b2-upload-file',
  },
  {
    what: 'Parts are at least 5 000 000 bytes but for the last, and numbered 1, 2, 3 without a gap.',
    source: 'https://www.backblaze.com/apidocs/b2-upload-part',
  },
  {
    what: 'Upload URLs fail at times, and another must be asked for: bodies up to a document’s size are sent again, streams answered 503 for the client to repeat.',
    source: 'https://www.backblaze.com/apidocs/b2-get-upload-url',
  },
]
