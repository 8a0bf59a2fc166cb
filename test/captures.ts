import { readdirSync, readFileSync } from 'node:fs'

/** The key pair that the SigV4 clients of the captures sign with. */
export const CAPTURE_KEY = {
  accessKeyId: 'AKIAFAKEFAKEFAKEFAKE',
  secretAccessKey: 'fakefakefakefakefakefakefakefakefakefake',
}

/** The key pair of OBS's own SDK in the captures. */
export const CAPTURE_OBS_KEY = {
  accessKeyId: 'FAKEAKFAKEAKFAKEAK00',
  secretAccessKey: 'fakeskfakeskfakeskfakeskfakeskfakesk0000',
}

/** One recorded request. */
export interface Capture {
  /** File and line of its first line. */
  readonly name: string
  readonly method: string
  /** Path and query, as sent. */
  readonly target: string
  /** Name and value in turn, as sent. */
  readonly rawHeaders: readonly string[]
  /** As printed: cut when long, bytes that do not print escaped. */
  readonly printedBody: string
  /** Bytes of the body as sent. */
  readonly bodyLength: number
}

const FOLDER = new URL('captures/', import.meta.url)

/** Text of a capture file. */
export const captureText = (file: string): string => readFileSync(new URL(file, FOLDER), 'latin1')

/** Names of the capture files. */
export const captureFiles = (): readonly string[] => readdirSync(FOLDER).sort()

/** Every request of a capture file. */
export const readCaptures = (file: string): readonly Capture[] => {
  const lines = captureText(file).split('\n')
  const starts = lines.flatMap((line, at) => (line.startsWith('>>> ') ? [at] : []))
  return starts.map(at => parseCapture(`${file}:${at + 1}`, lines.slice(at)))
}

const parseCapture = (name: string, lines: readonly string[]): Capture => {
  const [, method = '', target = ''] = (lines[0] ?? '').split(' ')
  const blank = lines.indexOf('')
  const end = lines.findIndex(line => line.startsWith('<<< body '))
  return {
    name,
    method,
    target,
    rawHeaders: lines
      .slice(1, blank)
      .flatMap(line => /^([^:]+): ?(.*)$/.exec(line)?.slice(1) ?? []),
    printedBody: lines.slice(blank + 1, end).join('\n'),
    bodyLength: Number.parseInt((lines[end] ?? '').slice('<<< body '.length), 10),
  }
}
