import type { Test } from 'tap'
import { at, type Cell, storedAt } from './cell.ts'

/** A thing that applications do, and a test of it. */
export type Step = readonly [name: string, test: (t: Test, cell: Cell) => Promise<void>]

/** A failure tells the lengths, and not the bytes. */
export const sameBytes = (t: Test, found: Buffer, wanted: Buffer, message: string): void => {
  t.ok(found.equals(wanted), message, { found: found.length, wanted: wanted.length })
}

export const checkRead = async (t: Test, cell: Cell, objectKey: string): Promise<void> => {
  const found = await cell.client.get(at(cell, objectKey))
  sameBytes(t, found, storedAt(cell, objectKey), `get of ${objectKey.slice(0, 40)}`)
}

/** Says why a client or provider is not asked to do something. */
export const skip = (t: Test, cause: string): void => {
  t.ok(true, t.name, { skip: cause })
}
