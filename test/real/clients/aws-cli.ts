import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { run } from '../command.ts'
import { copySource } from '../provider.ts'
import { REGION } from '../stage.ts'
import type { Place } from '../wire/place.ts'
import {
  type Access,
  type ByteRange,
  type Client,
  type Described,
  type Piece,
  toRangeHeader,
} from './client.ts'

/** One installed awscli, pointed at a server. */
interface Cli {
  readonly program: string
  readonly globals: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** For what has to pass through a file. */
  readonly scratch: string
}

/** awscli 1 presigns with SigV2 for any endpoint but AWS's own, unless it is told. */
const CONFIG = '[default]\ns3 =\n  signature_version = s3v4\n'

const createCli = async (program: string, access: Access): Promise<Cli> => {
  const scratch = await mkdtemp(join(tmpdir(), 'aws-cli-'))
  await writeFile(join(scratch, 'config'), CONFIG)
  return {
    program,
    scratch,
    globals: ['--endpoint-url', access.origin, '--ca-bundle', access.ca, '--output', 'json'],
    env: {
      AWS_ACCESS_KEY_ID: access.accessKeyId,
      AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
      AWS_CONFIG_FILE: join(scratch, 'config'),
      AWS_PAGER: '',
      LC_ALL: 'C.UTF-8',
    },
  }
}

const aws = ({ program, globals, env }: Cli, ...args: readonly string[]): Promise<string> =>
  run(program, [...globals, ...args], { env })

const s3api = async <T>(cli: Cli, operation: string, ...args: readonly string[]): Promise<T> => {
  const output = await aws(cli, 's3api', operation, ...args)
  return (output === '' ? {} : JSON.parse(output)) as T
}

const at = ({ bucket, objectKey }: Place): readonly string[] => [
  ...['--bucket', bucket],
  ...['--key', objectKey],
]

const url = ({ bucket, objectKey }: Place): string => `s3://${bucket}/${objectKey}`

const describe = ({ contentType, metadata }: Described): readonly string[] => [
  ...(contentType === undefined ? [] : ['--content-type', contentType]),
  ...(metadata === undefined ? [] : ['--metadata', JSON.stringify(metadata)]),
]

const cp = ['s3', 'cp', '--only-show-errors'] as const

/** `aws s3 cp - …`: the shell's pipe into it. */
const putStream = async (
  { program, globals, env }: Cli,
  place: Place,
  path: string,
): Promise<void> => {
  const child = spawn(program, [...globals, ...cp, '-', url(place)], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  })
  const ended = once(child, 'exit')
  const errors = text(child.stderr)
  await pipeline(createReadStream(path), child.stdin)
  const [code] = await ended
  if (code !== 0) throw new Error(await errors)
}

const putBuffer = async (cli: Cli, place: Place, bytes: Buffer, described: Described) => {
  const path = join(cli.scratch, 'put')
  await writeFile(path, bytes)
  await s3api(cli, 'put-object', ...at(place), '--body', path, ...describe(described))
}

const toRange = (range: ByteRange | undefined): readonly string[] =>
  range === undefined ? [] : ['--range', toRangeHeader(range)]

const get = async (cli: Cli, place: Place, range: ByteRange | undefined): Promise<Buffer> => {
  const path = join(cli.scratch, 'get')
  await s3api(cli, 'get-object', ...at(place), ...toRange(range), path)
  return readFile(path)
}

const head = async (cli: Cli, place: Place) => {
  const { ContentLength, ContentType, Metadata } = await s3api<{
    ContentLength: number
    ContentType: string
    Metadata: Record<string, string>
  }>(cli, 'head-object', ...at(place))
  return { size: ContentLength, contentType: ContentType, metadata: Metadata }
}

const copyPart = async (cli: Cli, upload: readonly string[], number: number, piece: Piece) => {
  const { CopyPartResult } = await s3api<{ CopyPartResult: { ETag: string } }>(
    cli,
    'upload-part-copy',
    ...upload,
    ...['--part-number', String(number)],
    ...['--copy-source', copySource(piece.place)],
    ...['--copy-source-range', `bytes=${piece.from}-${piece.to}`],
  )
  return { PartNumber: number, ETag: CopyPartResult.ETag }
}

const compose = async (cli: Cli, place: Place, pieces: readonly Piece[]): Promise<void> => {
  type Created = { UploadId: string }
  const { UploadId } = await s3api<Created>(cli, 'create-multipart-upload', ...at(place))
  const upload = [...at(place), '--upload-id', UploadId]
  const Parts = []
  for (const [index, piece] of pieces.entries()) {
    Parts.push(await copyPart(cli, upload, index + 1, piece))
  }
  const document = JSON.stringify({ Parts })
  await s3api(cli, 'complete-multipart-upload', ...upload, '--multipart-upload', document)
}

const list = async (cli: Cli, bucket: string, prefix: string): Promise<readonly string[]> => {
  const { Contents = [] } = await s3api<{ Contents?: readonly { Key: string }[] }>(
    cli,
    'list-objects-v2',
    ...['--bucket', bucket, '--prefix', prefix],
  )
  return Contents.map(({ Key }) => Key)
}

const deleteMany = async (cli: Cli, bucket: string, objectKeys: readonly string[]) => {
  const document = JSON.stringify({ Objects: objectKeys.map(Key => ({ Key })) })
  const args = ['--bucket', bucket, '--delete', document]
  const { Errors = [] } = await s3api<{ Errors?: readonly object[] }>(
    cli,
    'delete-objects',
    ...args,
  )
  if (Errors.length > 0) throw new Error(JSON.stringify(Errors))
}

type Tags = readonly { readonly Key: string; readonly Value: string }[]

const putTags = async (cli: Cli, place: Place, tags: Readonly<Record<string, string>>) => {
  const TagSet: Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
  await s3api(cli, 'put-object-tagging', ...at(place), '--tagging', JSON.stringify({ TagSet }))
}

const getTags = async (cli: Cli, place: Place): Promise<Record<string, string>> => {
  const { TagSet } = await s3api<{ TagSet: Tags }>(cli, 'get-object-tagging', ...at(place))
  return Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value]))
}

/** `aws s3` where it has a way, `aws s3api` for the rest. */
export const createAwsCli = async (program: string, access: Access): Promise<Client> => {
  const cli = await createCli(program, access)
  const tell = async (...args: readonly string[]): Promise<void> => {
    await aws(cli, ...args)
  }
  return {
    lacks: { presignPut: 'it presigns GET alone' },
    createBucket: bucket => tell('s3', 'mb', `s3://${bucket}`),
    putBuffer: (place, bytes, described = {}) => putBuffer(cli, place, bytes, described),
    putFile: (place, path, described = {}) => tell(...cp, path, url(place), ...describe(described)),
    putStream: (place, path) => putStream(cli, place, path),
    upload: (place, path) => tell(...cp, path, url(place)),
    get: (place, range) => get(cli, place, range),
    download: (place, path) => tell(...cp, url(place), path),
    head: place => head(cli, place),
    compose: (place, pieces) => compose(cli, place, pieces),
    copy: (source, target) =>
      tell('s3api', 'copy-object', ...at(target), '--copy-source', copySource(source)),
    presignGet: place => aws(cli, 's3', 'presign', url(place)),
    presignPut: () => Promise.reject(new Error('aws s3 presign has no PUT')),
    list: (bucket, prefix) => list(cli, bucket, prefix),
    deleteMany: (bucket, objectKeys) => deleteMany(cli, bucket, objectKeys),
    putTags: (place, tags) => putTags(cli, place, tags),
    getTags: place => getTags(cli, place),
    close: () => rm(cli.scratch, { recursive: true, force: true }),
  }
}
