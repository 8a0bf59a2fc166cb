import { compose, copy, earlyError, multipart } from './big-object-steps.ts'
import { atRest, deleteMany, listing } from './bucket-steps.ts'
import {
  describeObject,
  overwrite,
  putBuffer,
  putFile,
  putStream,
  readRanges,
  tags,
} from './object-steps.ts'
import type { Step } from './step.ts'
import { hardKeys, presignedGet, presignedPut } from './url-steps.ts'

/** What each client does, in this order: what comes last looks at all that was stored. */
export const STEPS: readonly Step[] = [
  putBuffer,
  putFile,
  putStream,
  overwrite,
  describeObject,
  readRanges,
  earlyError,
  multipart,
  compose,
  copy,
  presignedGet,
  presignedPut,
  tags,
  hardKeys,
  listing,
  atRest,
  deleteMany,
]
