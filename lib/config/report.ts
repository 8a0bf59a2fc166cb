import type { YamlDocument } from '../yaml/document.ts'
import type { Fault } from '../yaml/fault.ts'
import type { Remark } from './parts.ts'

/** Gathers what is said of a configuration. */
export interface Report {
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
  add(faults: readonly Fault[]): void
  /** A way to remark on a document's values. */
  about(document: YamlDocument): (remark: Remark) => void
  take(document: YamlDocument, remarks: Iterable<Remark>): void
}

export const createReport = (): Report => {
  const faults: Fault[] = []
  const warnings: Fault[] = []
  const about = (document: YamlDocument) => (remark: Remark) => {
    const heap = remark.warning ? warnings : faults
    heap.push(document.locate(remark))
  }
  return {
    faults,
    warnings,
    add: more => {
      faults.push(...more)
    },
    about,
    take: (document, remarks) => {
      for (const remark of remarks) about(document)(remark)
    },
  }
}
