/**
 * Takes the framing off an `aws-chunked` body as it comes, and gives the bytes in it to `take`: for comparing bodies, not
 * for checking signatures.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export const createUnframer = (take: (bytes: Buffer) => void): ((bytes: Buffer) => void) => {
  let line = ''
  let left = 0
  let isOver = false

  const takeLine = (bytes: Buffer): Buffer => {
    const end = bytes.indexOf('\n')
    line += bytes.toString('latin1', 0, end < 0 ? bytes.length : end + 1)
    if (end < 0) return NOTHING
    // The line end behind a chunk's bytes makes an empty line.
    if (line !== '\r\n') {
      left = Number.parseInt(line, 16)
      isOver = left === 0
    }
    line = ''
    return bytes.subarray(end + 1)
  }

  const takeData = (bytes: Buffer): Buffer => {
    const data = bytes.subarray(0, left)
    left -= data.length
    take(data)
    return bytes.subarray(data.length)
  }

  return bytes => {
    for (let rest = bytes; rest.length > 0 && !isOver; ) {
      rest = left > 0 ? takeData(rest) : takeLine(rest)
    }
  }
}

const NOTHING = Buffer.alloc(0)
