import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { ask } from '../provider.ts'
import { APP, type Site } from '../proxy.ts'

/** What carries the bytes of an object, to the proxy, from it or within the provider. */
const TRANSFERS = new Set([
  'PutObject',
  'UploadPart',
  'GetObject',
  'CopyObject',
  'UploadPartCopy',
  'CompleteMultipartUpload',
])

interface LogLine {
  readonly operation?: string
  readonly bucket?: string
}

const readLog = async ({ folder }: Site): Promise<readonly LogLine[]> => {
  const lines = (await readFile(join(folder, 'log'), 'utf8')).split('\n')
  return lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as LogLine)
}

/** Asks for a bucket that is not there, so that the log tells where it stands; gives its length until then. */
const mark = async (site: Site): Promise<number> => {
  const bucket = `mark-${randomBytes(8).toString('hex')}`
  await ask(site.http, APP, { method: 'HEAD', bucket })
  for (let tries = 0; tries < 100; tries++) {
    const at = (await readLog(site)).findIndex(line => line.bucket === bucket)
    if (at >= 0) return at
    await setTimeout(50)
  }
  throw new Error('the proxy has not logged a request')
}

/** The operations that moved bytes of a bucket's objects while `action` ran, as the proxy logged them. */
export const transfersOf = async (
  site: Site,
  bucket: string,
  action: () => Promise<unknown>,
): Promise<readonly string[]> => {
  const from = await mark(site)
  await action()
  const to = await mark(site)
  return (await readLog(site))
    .slice(from, to)
    .flatMap(line => (line.bucket === bucket ? [line.operation ?? ''] : []))
    .filter(operation => TRANSFERS.has(operation))
}
