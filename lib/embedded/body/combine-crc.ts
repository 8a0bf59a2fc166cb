/** A CRC with reflected bits, whose register begins as ones and is inverted at the end. */
export interface CrcShape {
  readonly bits: 32 | 64
  /** Reflected. */
  readonly polynomial: bigint
}

/** Bytes of which only the CRC and the number are known. */
export interface Piece {
  readonly digest: Buffer
  readonly length: number
}

/**
 * The CRC of pieces laid end to end.
 *
 * As zlib's `crc32_combine`: a CRC is a polynomial over GF(2), and `n` bytes behind it multiply it by x^8n.
 */
export const combineCrc = (shape: CrcShape, pieces: readonly Piece[]): Buffer => {
  const combined = pieces.reduce(
    (crc, { digest, length }) => shift(shape, crc, length) ^ toNumber(digest),
    0n,
  )
  return Buffer.from(combined.toString(16).padStart(shape.bits / 4, '0'), 'hex')
}

const toNumber = (digest: Buffer): bigint => BigInt(`0x${digest.toString('hex')}`)

const shift = (shape: CrcShape, crc: bigint, bytes: number): bigint =>
  multiply(shape, crc, power(shape, BigInt(bytes) * 8n))

/** x^n modulo the polynomial; the highest bit is x^0, since the bits are reflected. */
const power = (shape: CrcShape, n: bigint): bigint => {
  const one = 1n << BigInt(shape.bits - 1)
  let result = one
  let square = one >> 1n
  for (let left = n; left > 0n; left >>= 1n) {
    if (left & 1n) result = multiply(shape, result, square)
    square = multiply(shape, square, square)
  }
  return result
}

const multiply = ({ bits, polynomial }: CrcShape, a: bigint, b: bigint): bigint => {
  let product = 0n
  let term = b
  for (let bit = 1n << BigInt(bits - 1); bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= term
    term = term & 1n ? (term >> 1n) ^ polynomial : term >> 1n
  }
  return product
}
