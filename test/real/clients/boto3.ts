import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { REGION } from '../stage.ts'
import { type Access, type Client, type Head, toRangeHeader } from './client.ts'

const DRIVER = fileURLToPath(new URL('boto3_driver.py', import.meta.url))

type Call = (name: string, ...args: readonly unknown[]) => Promise<unknown>

interface Answer {
  readonly result?: unknown
  readonly error?: string
}

/** Starts the driver under `python`; calls are answered one after the other. */
const startDriver = (
  python: string,
  access: Access,
): { readonly call: Call; readonly close: () => Promise<void> } => {
  const driver = spawn(python, [DRIVER], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ORIGIN: access.origin,
      CA: access.ca,
      AWS_ACCESS_KEY_ID: access.accessKeyId,
      AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
      PYTHONUTF8: '1',
    },
  })
  const exited = once(driver, 'exit')
  const lines = createInterface({ input: driver.stdout })[Symbol.asyncIterator]()
  const call: Call = async (...args) => {
    driver.stdin.write(`${JSON.stringify(args)}\n`)
    const { value, done } = await lines.next()
    if (done === true) throw new Error('the driver of boto3 has ended')
    const { result, error } = JSON.parse(value) as Answer
    if (error !== undefined) throw new Error(error)
    return result
  }
  const close = async (): Promise<void> => {
    driver.stdin.end()
    await exited
  }
  return { call, close }
}

const toBuffer = (base64: unknown): Buffer => Buffer.from(String(base64), 'base64')

/** boto3 under the Python of its own environment. */
export const createBoto3 = (python: string, access: Access): Client => {
  const { call, close } = startDriver(python, access)
  const tell = async (name: string, ...args: readonly unknown[]): Promise<void> => {
    await call(name, ...args)
  }
  return {
    lacks: {},
    createBucket: bucket => tell('create_bucket', bucket),
    putBuffer: (place, bytes, described = {}) =>
      tell('put_buffer', place, bytes.toString('base64'), described),
    putFile: (place, path, described = {}) => tell('put_file', place, path, described),
    putStream: (place, path) => tell('put_stream', place, path),
    upload: (place, path) => tell('upload', place, path),
    get: async (place, range) => toBuffer(await call('get', place, range && toRangeHeader(range))),
    download: (place, path) => tell('download', place, path),
    head: async place => (await call('head', place)) as Head,
    compose: (place, pieces) => tell('compose', place, pieces),
    copy: (source, target) => tell('copy', source, target),
    copyBig: (source, target) => tell('copy_big', source, target),
    presignGet: async place => String(await call('presign', 'get_object', place)),
    presignPut: async place => String(await call('presign', 'put_object', place)),
    list: async (bucket, prefix) => (await call('list_keys', bucket, prefix)) as string[],
    deleteMany: (bucket, objectKeys) => tell('delete_many', bucket, objectKeys),
    putTags: (place, tags) => tell('put_tags', place, tags),
    getTags: async place => (await call('get_tags', place)) as Record<string, string>,
    close,
  }
}
