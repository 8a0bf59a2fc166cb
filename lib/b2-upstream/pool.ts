import { LRUCache } from 'lru-cache'

/** An upload URL with its token: for one upload at a time, and on one pod. */
export interface UploadUrl {
  readonly origin: string
  /** Path and query. */
  readonly target: string
  readonly token: string
  /** When it was given out, in milliseconds. */
  readonly since: number
}

/**
 * Upload URLs that are not in use. B2 lets each be used again until it fails, for 24 hours.
 * https://www.backblaze.com/apidocs/b2-get-upload-url
 */
export interface UploadUrls {
  take(place: string): UploadUrl | undefined
  giveBack(place: string, url: UploadUrl): void
}

/** Buckets and large files whose URLs are kept, and URLs of each. */
const PLACES = 1000
const EACH = 64

/** Well before B2's 24 hours are over. */
const FRESH_MS = 12 * 3600 * 1000

export const createUploadUrls = (now: () => Date): UploadUrls => {
  const kept = new LRUCache<string, UploadUrl[]>({ max: PLACES })
  return {
    take: place => {
      const urls = kept.get(place) ?? []
      const oldest = now().getTime() - FRESH_MS
      // The last that was used is the likeliest to work.
      for (let url = urls.pop(); url !== undefined; url = urls.pop()) {
        if (url.since > oldest) return url
      }
      return undefined
    },
    giveBack: (place, url) => {
      const urls = kept.get(place) ?? []
      if (urls.length < EACH) urls.push(url)
      kept.set(place, urls)
    },
  }
}
