import { readFile, rename, writeFile } from 'node:fs/promises'

/** Where a walk writes down how far it came, so that the next run goes on from there. */
export interface LedgerStore {
  /** Milliseconds between two savings while a walk runs. */
  readonly every: number
  /** What was saved last; undefined when nothing was. */
  load(): Promise<string | undefined>
  save(text: string): Promise<void>
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

/** A ledger in a file: replaced whole, so that a run that is killed leaves the one before or the new one. */
export const fileLedger = (path: string): LedgerStore => ({
  every: 1000,
  load: async () => {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  },
  save: async text => {
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
  },
})

/** A ledger that forgets. */
export const NO_LEDGER: LedgerStore = {
  every: Number.POSITIVE_INFINITY,
  load: async () => undefined,
  save: async () => undefined,
}

/** Saves a state that changes all the time, now and then, one saving after the other. */
export class Saver {
  readonly #store: LedgerStore
  readonly #text: () => string
  readonly #now: () => number
  #saved = 0
  #saving: Promise<void> = Promise.resolve()
  #isSaving = false

  constructor(store: LedgerStore, text: () => string, now: () => number) {
    this.#store = store
    this.#text = text
    this.#now = now
  }

  /** Called after each change. A saving that fails shows at the end. */
  touch(): void {
    if (this.#isSaving || this.#now() - this.#saved < this.#store.every) return
    this.#isSaving = true
    this.#saving = this.#save()
    this.#saving.catch(() => undefined)
  }

  /** Saves what is to be saved. @throws what the store throws */
  async finish(): Promise<void> {
    await this.#saving
    await this.#save()
  }

  async #save(): Promise<void> {
    try {
      await this.#store.save(this.#text())
      this.#saved = this.#now()
    } finally {
      this.#isSaving = false
    }
  }
}

/** What every ledger says of a walk: what it is about, how far it came, and whether that was the end. */
export interface Standpoint {
  /** What the walk is about: another one may not go on from here. */
  readonly scope: string
  /** All before and with this object key (and version) is done. */
  after: string | undefined
  afterVersion: string | undefined
  finished: boolean
}

/**
 * Reads what an earlier run wrote down; undefined when there was none, or it came to its end.
 *
 * @throws {RangeError} when the ledger is another walk's
 */
export const resume = async <S extends Standpoint>(
  store: LedgerStore,
  scope: string,
): Promise<S | undefined> => {
  const text = await store.load()
  if (text === undefined) return undefined
  const state = JSON.parse(text) as S
  if (state.scope !== scope) {
    throw new RangeError(
      `The ledger is about something else: ${state.scope}. Name another file, or remove it.`,
    )
  }
  return state.finished ? undefined : state
}
