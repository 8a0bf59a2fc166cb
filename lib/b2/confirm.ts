import type { CustomerKey } from '../keys/customer-key.ts'
import type { Permission } from '../policy/decide.ts'
import { S3Error } from '../s3/error.ts'
import type { Ask } from './ask.ts'
import type { CallName } from './calls.ts'
import { confirmsKey } from './encryption.ts'
import { type Fields, textOf } from './fields.ts'
import { confirmsMethod } from './method.ts'
import type { About } from './places.ts'

/** How what a call left behind is taken back: a file version is deleted, a large file under way cancelled. */
const UNDO: Partial<Readonly<Record<CallName, CallName>>> = {
  b2_copy_file: 'b2_delete_file_version',
  b2_copy_part: 'b2_cancel_large_file',
  b2_finish_large_file: 'b2_delete_file_version',
  b2_start_large_file: 'b2_cancel_large_file',
  b2_upload_file: 'b2_delete_file_version',
  b2_upload_part: 'b2_cancel_large_file',
}

/** A covered write that was answered. */
export interface Written {
  readonly call: CallName
  /** None where SSE-B2 was demanded. */
  readonly key: CustomerKey | undefined
  readonly permission: Permission
  /** What the provider said of it. */
  readonly document: Fields
  /** The provider's id of the file, or of the large file that a part belongs to. */
  readonly fileId: string | undefined
}

/** The client may be gone by then. */
const UNDO_MS = 60_000

const takeBack = async (
  { call, document, fileId }: Written,
  ask: Ask,
  about: About,
): Promise<boolean> => {
  const undo = UNDO[call]
  if (undo === undefined || fileId === undefined) return false
  const fileName = textOf(document, 'fileName')
  const fields = undo === 'b2_delete_file_version' ? { fileId, fileName } : { fileId }
  const signal = AbortSignal.timeout(UNDO_MS)
  try {
    await ask(about.session, undo, fields, { journal: about.journal, signal })
    return true
  } catch {
    return false
  }
}

const UNCONFIRMED = 'The storage provider did not confirm that it encrypted as demanded.'

/**
 * Lets a covered write pass only when the answer says that it was encrypted with a customer key, and shows no other
 * key's MD5; or with SSE-B2, where that was demanded.
 *
 * @throws {S3Error} `UnconfirmedEncryption`, after taking back exactly what was written
 */
export const confirmWrite = async (written: Written, ask: Ask, about: About): Promise<void> => {
  const { permission, document, key } = written
  if (key === undefined ? confirmsMethod(document) : confirmsKey(document, key)) return
  if (permission.kind !== 'passthrough' && permission.effect.onUnconfirmed === 'keep') {
    throw new S3Error(
      'UnconfirmedEncryption',
      `${UNCONFIRMED} What it stored was kept, as rule '${permission.rule}' says.`,
    )
  }
  const end = (await takeBack(written, ask, about))
    ? 'What it stored was removed.'
    : 'What it stored could not be removed: look at the file.'
  throw new S3Error('UnconfirmedEncryption', `${UNCONFIRMED} ${end}`)
}
