import type { UpstreamName } from '../proxy.ts'

/** What a provider cannot do, so that no proxy can. */
export interface Limits {
  /** Why it refuses an object key; undefined when it takes it. */
  refusesKey(objectKey: string): string | undefined
}

const TAKES_ALL: Limits = { refusesKey: () => undefined }

/** It keeps objects as files, under their own names. */
const MINIO: Limits = {
  refusesKey: objectKey =>
    objectKey.split('/').some(segment => ['', '.', '..'].includes(segment))
      ? 'MinIO takes no object key with an empty, `.` or `..` segment'
      : undefined,
}

export const LIMITS: Readonly<Record<UpstreamName, Limits>> = {
  'rgw-http': TAKES_ALL,
  'rgw-tls': TAKES_ALL,
  minio: MINIO,
  embedded: TAKES_ALL,
}
