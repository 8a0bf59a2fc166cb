import { createRequire } from 'node:module'
import type { KeyPair } from '../real/stage.ts'

/** What a call comes to. */
interface B2Result<Data> {
  readonly data: Data
}

type Call<Data> = (args: object) => Promise<B2Result<Data>>

export interface NpmFile {
  readonly fileId: string
  readonly fileName: string
  readonly action: string
  readonly contentSha1: string
  readonly contentLength: number
  readonly fileInfo: Readonly<Record<string, string>>
}

interface Listed {
  readonly files: readonly NpmFile[]
}

interface UploadUrl {
  readonly uploadUrl: string
  readonly authorizationToken: string
}

interface NpmBucket {
  readonly bucketId: string
  readonly bucketName: string
}

/** As much of the package `backblaze-b2` as the tests use; it has no types of its own. */
export interface NpmB2 {
  readonly authorize: Call<object>
  readonly createBucket: Call<NpmBucket>
  readonly getBucket: Call<{ readonly buckets: readonly NpmBucket[] }>
  readonly deleteBucket: Call<NpmBucket>
  readonly getUploadUrl: Call<UploadUrl>
  readonly uploadFile: Call<NpmFile>
  readonly startLargeFile: Call<NpmFile>
  readonly getUploadPartUrl: Call<UploadUrl>
  readonly uploadPart: Call<{ readonly contentSha1: string }>
  readonly listParts: Call<{ readonly parts: readonly { readonly partNumber: number }[] }>
  readonly finishLargeFile: Call<NpmFile>
  readonly cancelLargeFile: Call<NpmFile>
  readonly getFileInfo: Call<NpmFile>
  readonly listFileNames: Call<Listed>
  readonly listFileVersions: Call<Listed>
  readonly hideFile: Call<NpmFile>
  readonly deleteFileVersion: Call<object>
  readonly downloadFileByName: Call<Buffer>
  readonly downloadFileById: Call<Buffer>
}

type Constructor = new (options: {
  readonly applicationKeyId: string
  readonly applicationKey: string
  readonly retry: { readonly retries: number }
}) => NpmB2

/** The package `backblaze-b2`, authorised at an origin. */
export const createNpmB2 = async (
  origin: string,
  { accessKeyId: applicationKeyId, secretAccessKey: applicationKey }: KeyPair,
): Promise<NpmB2> => {
  const B2 = createRequire(import.meta.url)('backblaze-b2') as Constructor
  const b2 = new B2({ applicationKeyId, applicationKey, retry: { retries: 0 } })
  // The package's own way to another realm.
  await b2.authorize({ axiosOverride: { url: `${origin}/b2api/v2/b2_authorize_account` } })
  return b2
}
